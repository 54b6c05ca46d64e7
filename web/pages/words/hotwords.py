"""Hotwords on the pages: the lists that are kept, what the form says of them, and what became of a
job's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import Response, flash, make_response, redirect, request
from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _

from shared import jobs
from shared.errors import InvalidRequest
from shared.words.hotwords import (
    EVERYBODY,
    LONGEST_WORD,
    MOST_WORDS,
    HotwordListChanged,
    WordList,
    group_words,
    list_sizes,
    read_list,
    read_words,
    replace_list,
)
from web.authentication.job_access import owner_of
from web.authentication.owner import current_owner_id
from web.errors import localised_error
from web.pages.words.blueprint import (
    ListOnPage,
    list_to_change,
    lists_of_page,
    render_page,
    section,
    words,
)
from web.services import services

_MOST_SHOWN = 60
"""Words that a job's page lists; the API has all."""


@dataclass(frozen=True, slots=True)
class ShownHotwords:
    """A list as its form shows it."""

    which: ListOnPage
    kept: WordList

    @property
    def is_empty(self) -> bool:
        return not self.kept.words


@dataclass(frozen=True, slots=True)
class JobHotwordsShown:
    """Hotwords of a finished job as its page shows them."""

    passed: bool | None
    """True if the model was given the words; None where a worker of an earlier version ran the job,
    which knows of no words."""
    size: int
    sources: list[str]
    """Number of words from each source."""
    found: list[tuple[str, int]]
    found_size: int
    missing: list[str]
    """Words that were named with the job and do not stand in its text."""
    missing_size: int


@section
def _context(of_group: ListOnPage | None) -> dict[str, Any]:
    return {
        "hotword_lists": lists_of_page(of_group, _shown),
        "most_hotwords": MOST_WORDS,
        "longest_hotword": LONGEST_WORD,
        "hotword_hints": [text] if (text := _model_text()) else [],
    }


def _shown(which: ListOnPage) -> ShownHotwords:
    return ShownHotwords(which, read_list(services().db, which.owner_id))


@words.post("/hotwords")
def keep_hotwords() -> Any:
    which, owner_id = list_to_change()
    text = request.form.get("words", "")
    try:
        read = read_words(text, kept=read_list(services().db, owner_id).words)
        replace_list(
            services().db,
            owner_id,
            read.words,
            editor_id=current_owner_id(),
            revision=request.form.get("revision"),
        )
    except (InvalidRequest, HotwordListChanged) as error:
        return render_page(
            error.http_status,
            which.query.group,
            hotwords_problem=localised_error(error),
            hotwords_given=text,
            hotwords_at=which.name,
        )
    size = len(read.words)
    flash(
        ngettext(
            "The list has %(count)s word now.",
            "The list has %(count)s words now.",
            size,
            count=format_decimal(size),
        ),
        "done",
    )
    if read.weights:
        flash(_("The weights behind the words were taken off: a word has none here."), "done")
    return redirect(which.page_address("hotwords"), 303)


@words.get("/hotwords/hint")
def hotwords_hint() -> Response:
    """Say in the form whether the chosen model takes words, and how many the lists add. The script
    asks once the options are open, so that the list of jobs costs nothing more."""
    response = make_response(
        " ".join(filter(None, (_model_text(request.args.get("model", "")), _lists_text())))
    )
    response.mimetype = "text/plain"
    response.headers["Cache-Control"] = "no-store"
    return response


def _model_text(model: str = "") -> str:
    """Notice about `model`, or the models that run now, which take no hotwords; empty if they take
    them or it is not known."""
    here = services()
    told = [
        one
        for one in jobs.known_models(here.db, within_s=here.settings.worker_seen_within_s)
        if one.takes_hotwords is not None and (one.name == model if model else one.workers)
    ]
    without = ", ".join(one.name for one in told if not one.takes_hotwords)
    if not without:
        return ""
    if any(one.takes_hotwords for one in told):
        return _("Some workers run %(model)s, which takes no hotwords.", model=without)
    return _(
        "The model %(model)s takes no hotwords: words that are named are not used.", model=without
    )


def _lists_text() -> str:
    own = current_owner_id()
    sizes = list_sizes(services().db, own, EVERYBODY)
    of_groups = group_words(services().db, own)
    if of_groups:
        return _(
            "The lists add %(own)s words of yours, %(groups)s of your groups' and %(everybodys)s "
            "of everybody's.",
            own=format_decimal(sizes.get(own, 0)),
            groups=format_decimal(of_groups),
            everybodys=format_decimal(sizes.get(EVERYBODY, 0)),
        )
    if not sizes:
        return ""
    return _(
        "The lists add %(own)s words of yours and %(everybodys)s of everybody's.",
        own=format_decimal(sizes.get(own, 0)),
        everybodys=format_decimal(sizes.get(EVERYBODY, 0)),
    )


def job_hotwords(job_id: str) -> JobHotwordsShown | None:
    """Hotwords of a completed job and which of them were heard; None if it was given none."""
    given = jobs.get_hotwords(services().db, owner_id=owner_of(job_id), job_id=job_id)
    if not given.words:
        return None
    found = given.found or []
    heard = {word for word, _times in found}
    # Beyond what is listed of those that were found nobody knows which they are.
    is_whole = given.found_size <= len(found)
    missing = [word for word in given.named if word not in heard] if is_whole else []
    return JobHotwordsShown(
        passed=given.passed,
        size=len(given.words),
        sources=_sources(given),
        found=found[:_MOST_SHOWN],
        found_size=given.found_size,
        missing=missing[:_MOST_SHOWN] if given.passed else [],
        missing_size=len(missing),
    )


def _sources(given: jobs.GivenWords) -> list[str]:
    counted = (
        (len(given.named), _("%(count)s named with the recording")),
        (len(given.own), _("%(count)s of your list")),
        (len(given.groups), _("%(count)s of lists of your groups")),
        (len(given.everybodys), _("%(count)s of everybody's list")),
        (given.left_out, _("%(count)s more of the lists had no room")),
    )
    return [text % {"count": format_decimal(count)} for count, text in counted if count]
