"""The page of the prompts that a language model is asked with."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from shared.errors import InvalidRequest
from shared.minutes.owner_prompts import change_prompt, restore_prompt
from shared.minutes.prompts import CHANGEABLE, LANGUAGES, LONGEST_PROMPT
from web.api.minutes.prompts import prompts_of
from web.authentication.owner import current_owner_id
from web.errors import localised_error
from web.i18n.languages import LANGUAGES as LANGUAGE_NAMES
from web.pages.blueprint import pages
from web.pages.confirmation import is_confirmed, question_page
from web.services import services


@pages.get("/minutes/prompts")
def minutes_prompts() -> str:
    return _page()


@pages.post("/minutes/prompts/<language>/<name>")
def change_minutes_prompt(language: str, name: str) -> Any:
    if language not in LANGUAGES or name not in CHANGEABLE:
        abort(404)
    owner_id, db = current_owner_id(), services().db
    back = url_for(".minutes_prompts", _anchor=f"{language}-{name}")
    if request.form.get("restore") == "yes":
        if not is_confirmed():
            return question_page("prompt", back=back, fields=("restore",))
        restore_prompt(db, owner_id, language, name)
        flash(_("The prompt that comes with Longscribe is back."), "done")
    else:
        text = request.form.get("text", "")
        try:
            change_prompt(db, owner_id, language, name, text)
        except InvalidRequest as error:
            # Nothing that was written is lost.
            problem = (language, name, text, localised_error(error).removeprefix("text: "))
            return _page(problem), 400
        flash(_("Saved. It holds for minutes that are asked for from now on."), "done")
    return redirect(back, 303)


def _page(problem: tuple[str, str, str, str] | None = None) -> str:
    return render_template(
        "minutes/prompts.html",
        prompts=prompts_of(current_owner_id()),
        language_names=LANGUAGE_NAMES,
        longest=LONGEST_PROMPT,
        problem=problem,
    )
