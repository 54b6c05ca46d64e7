"""A job's attempts and events: outcomes as text, and how the history is highlighted."""

from __future__ import annotations

from flask_babel import gettext as _

from shared.jobs import AttemptRecord
from shared.states import AttemptOutcome, EventKind
from web.api.schemas.jobs import HistoryOut
from web.errors import localised_message
from web.i18n.languages import N_

_OUTCOME = {
    AttemptOutcome.COMPLETED: N_("completed"),
    AttemptOutcome.FAILED: N_("failed"),
    AttemptOutcome.CANCELLED: N_("cancelled"),
    AttemptOutcome.LOST: N_("worker lost"),
    AttemptOutcome.RELEASED: N_("handed back when its worker stopped"),
    AttemptOutcome.RETRYING: N_("failed, tried again"),
}

_PROBLEMS = frozenset({EventKind.LOST, EventKind.RETRYING, EventKind.FAILED, EventKind.RETRIED})
"""A history with one of these is shown opened: it is what the reader came for."""


def outcome_text(attempt: AttemptRecord) -> str:
    """An attempt's outcome, with its error unless that repeats the outcome."""
    if attempt.outcome is None:
        return _("running")
    text = _(_OUTCOME[attempt.outcome])
    if attempt.outcome is AttemptOutcome.RELEASED and attempt.error_code:
        text = _("handed back")
    code, message = attempt.error_code or "", attempt.error_message
    why = localised_message(code, message) if message else code
    if not why or (attempt.outcome is AttemptOutcome.LOST and not message):
        return text
    return _("%(outcome)s: %(why)s", outcome=text, why=why)


def has_problems(history: HistoryOut) -> bool:
    """Return whether an attempt was lost or failed, or a person had to retry the job."""
    return any(event.kind in _PROBLEMS for event in history.events)


def css_class(kind: EventKind) -> str:
    """Class of an event in the style sheet; empty for what is neither good nor bad."""
    if kind is EventKind.COMPLETED:
        return "good"
    is_bad = kind in _PROBLEMS and kind is not EventKind.RETRIED
    return "bad" if is_bad else ""
