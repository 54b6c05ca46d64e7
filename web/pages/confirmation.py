"""Asking before a form takes something away for good.

A script asks in a dialog, whose words are attributes of the button, and sends the form with `sure`.
A form that comes without it was sent before the script had loaded, or where there are none: the
answer is a page that asks the same and changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from flask import Response, make_response, render_template, request
from flask_babel import gettext as _
from markupsafe import Markup

from web.i18n.languages import N_


class Question(NamedTuple):
    """Texts of a question: itself, what is lost, and the button that answers it with yes."""

    asks: str
    lost: str
    yes: str = N_("Delete")


_QUESTIONS = {
    "minutes": Question(
        N_("Delete these minutes?"),
        N_("What the model wrote and what you changed is lost. The transcript stays."),
    ),
    "changed minutes": Question(
        N_("Go back to what the model wrote?"),
        N_("What you changed of these minutes is lost."),
        N_("Back to the model's"),
    ),
    "prompt": Question(
        N_("Go back to the default text?"),
        N_("Yours is lost. It is kept nowhere else here."),
        N_("Back to the default"),
    ),
    "report template": Question(
        N_("Go back to the built-in template?"),
        N_("Yours is lost. It is kept nowhere else here."),
        N_("Back to the built-in template"),
    ),
    "named template": Question(
        N_("Delete the template “%(name)s”?"),
        N_("Reports that were made from it stay. The file itself is kept nowhere else here."),
    ),
    "saved search": Question(
        N_("Delete the saved search “%(name)s”?"),
        N_("Its jobs stay."),
    ),
    "group's search": Question(
        N_("Delete the saved search “%(name)s”?"),
        N_("It is gone for all members of the group. Its jobs stay."),
    ),
    "group": Question(
        N_("Delete the group “%(name)s”?"),
        N_("Sharing with it ends, and its words, searches and templates are lost."),
    ),
    "API key": Question(
        N_("Revoke the key “%(name)s”?"),
        N_("Programs that send it are refused from then on. It cannot be brought back."),
        N_("Revoke"),
    ),
    "account's use": Question(
        N_("Disable the account of %(name)s?"),
        N_("Recordings stay; voices that it keeps are deleted, webhooks switched off."),
        N_("Disable"),
    ),
    "second step": Question(
        N_("Remove the authenticator app of %(name)s?"),
        N_("The account signs in with its password alone then. Its recovery codes are lost too."),
        N_("Remove the authenticator app"),
    ),
    "share link": Question(
        N_("Withdraw the link “%(name)s”?"),
        N_("Whoever has it reads nothing with it any more. It cannot be brought back."),
        N_("Withdraw"),
    ),
}


def asks(about: str, **values: str) -> Markup:
    """Attributes of a button whose form is sent once the question about something is answered."""
    question = _worded(about, values)
    return Markup('data-question="{}" data-lost="{}" data-yes="{}"').format(*question)


def is_confirmed() -> bool:
    """Return whether this request's form was sent after the question."""
    return request.form.get("sure") == "yes"


def question_page(
    about: str, *, back: str, fields: Collection[str] = (), **values: str
) -> Response:
    """The page that asks about something and sends the form again, with these fields of it. `back`
    is the address of the page on which all stays as it is."""
    asked, lost, yes = _worded(about, values)
    sent = [(name, value) for name in fields for value in request.form.getlist(name)]
    html = render_template("sure.html", asked=asked, lost=lost, yes=yes, sent=sent, back=back)
    return make_response(html)


def _worded(about: str, values: dict[str, str]) -> Question:
    asked, lost, yes = _QUESTIONS[about]
    return Question(_(asked, **values), _(lost), _(yes))
