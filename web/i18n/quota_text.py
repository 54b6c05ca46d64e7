"""Texts about a person's share of the server: which limit is reached, how far, and what to do about
it."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from shared.quotas.errors import (
    MonthlyQuotaUsed,
    QueueHoursShareFull,
    QueueShareFull,
    QuotaExceeded,
    StorageShareFull,
    TooManyUploads,
)
from web.i18n.languages import current_language
from web.i18n.quantities import bytes_text, duration_text


def refusal_text(error: QuotaExceeded) -> str:
    """Word a refusal with its numbers, in the reader's language."""
    most = error.full.most or 0.0
    if isinstance(error, TooManyUploads):
        return ngettext(
            "You have begun one upload, and no more may be open at a time. Finish or discard it; "
            "if nobody goes on with it, it ends by itself in %(when)s.",
            "You have begun %(num)s uploads, and no more may be open at a time. Finish or discard "
            "one; what nobody goes on with ends by itself, the first in %(when)s.",
            int(most),
            when=duration_text(error.retry_after_s),
        )
    if isinstance(error, StorageShareFull):
        return _(
            "Your recordings take %(held)s, this one needs %(wanted)s more, and %(most)s of the "
            "server's disk may be yours now. Delete recordings that you no longer need.",
            held=bytes_text(error.full.held),
            wanted=bytes_text(error.wanted),
            most=bytes_text(most),
        )
    if isinstance(error, MonthlyQuotaUsed):
        return _(
            "This month you have submitted %(held)s of the %(most)s of audio that you may, and "
            "this recording lasts about %(wanted)s. An administrator can raise your quota; the "
            "next month begins in %(when)s.",
            held=duration_text(error.full.held) if error.full.held else _("nothing"),
            most=duration_text(most),
            wanted=duration_text(error.wanted),
            when=days_text(error.retry_after_s),
        )
    if isinstance(error, QueueShareFull):
        return f"{_waiting_text(error, most)}{_gap()}{_once_recognised(error)}"
    return _(error.default_message)


def days_text(seconds: float) -> str:
    """A time in days, or in less than two, as a duration."""
    days = round(seconds / 86_400)
    if days < 2:
        return duration_text(seconds)
    return ngettext("%(num)s day", "%(num)s days", days)


def _waiting_text(error: QueueShareFull, most: float) -> str:
    if isinstance(error, QueueHoursShareFull):
        return _(
            "You have %(held)s of audio waiting, this recording lasts about %(wanted)s, and "
            "%(most)s of yours may wait at a time now.",
            held=duration_text(error.full.held),
            wanted=duration_text(error.wanted),
            most=duration_text(most),
        )
    return ngettext(
        "You have one job waiting, and no more may wait at a time.",
        "You have %(num)s jobs waiting, and no more may wait at a time.",
        int(error.full.held),
    )


def _once_recognised(error: QueueShareFull) -> str:
    if error.free_in_s is None:
        return _("Submit this again once some of it is recognised, or cancel a waiting job.")
    return _(
        "Submit this again once some of it is recognised, in %(when)s at the earliest, or cancel a "
        "waiting job.",
        when=duration_text(error.free_in_s),
    )


def _gap() -> str:
    """Separator between two sentences."""
    return "" if current_language() == "zh" else " "
