"""A person's share of the server in sentences, in the reader's language."""

from __future__ import annotations

from flask_babel import format_decimal, ngettext
from flask_babel import gettext as _

from shared.jobs import OwnerUsage
from shared.quotas.limits import Allowance
from shared.storage.errors import StorageUnavailable
from web.i18n.languages import N_
from web.i18n.quantities import bytes_text, duration_text
from web.i18n.quota_text import days_text
from web.quotas.usage import Use, own_usage

_NEARLY_FULL = 0.8


def own_usage_texts() -> list[str]:
    """The sentences for the person who sent this request; none while the storage is not there."""
    try:
        return usage_texts(own_usage())
    except StorageUnavailable:
        return []


def usage_texts(usage: OwnerUsage) -> list[str]:
    """Sentences about each limit; none about a number of items far from its limit."""
    texts = [
        _waiting_text(usage.waiting.audio_s),
        _nearly_full_text(
            usage.waiting.jobs, N_("%(held)s of your jobs wait, of at most %(most)s.")
        ),
        _nearly_full_text(
            usage.uploads, N_("%(held)s of your uploads are open, of at most %(most)s.")
        ),
        _stored_text(usage.storage),
        _submitted_text(usage.used, usage.month.rest_s),
    ]
    return [text for text in texts if text]


def _waiting_text(one: Allowance) -> str:
    if one.most is None:
        return ""
    if not one.held:
        return _(
            "You have nothing waiting, of %(most)s of audio that may wait now.",
            most=duration_text(one.most),
        )
    return _(
        "You have %(held)s of audio waiting, of %(most)s that may wait now.",
        held=duration_text(one.held),
        most=duration_text(one.most),
    )


def _nearly_full_text(one: Allowance, text: str) -> str:
    if one.most is None or one.held < _NEARLY_FULL * one.most:
        return ""
    return _(text, held=format_decimal(one.held), most=format_decimal(one.most))


def _stored_text(one: Allowance) -> str:
    if one.most is None:
        return ""
    return _(
        "Your recordings take %(held)s of the %(most)s of the disk that may be yours now.",
        held=bytes_text(one.held),
        most=bytes_text(one.most),
    )


def _submitted_text(one: Allowance, rest_s: float) -> str:
    if one.most is None:
        return ""
    return _(
        "This month you have submitted %(held)s of %(most)s of audio; the next month begins in "
        "%(when)s.",
        held=duration_text(one.held) if one.held else _("nothing"),
        most=duration_text(one.most),
        when=days_text(rest_s),
    )


def use_text(use: Use) -> str:
    """Text about an account's use, for an administrator."""
    return _(
        "%(waiting)s waiting, %(stored)s stored, %(month)s submitted this month",
        waiting=duration_text(use.waiting_s) if use.waiting_s else _("nothing"),
        stored=bytes_text(use.stored_bytes),
        month=duration_text(use.month_s) if use.month_s else _("nothing"),
    )


def quota_text(monthly_audio_s: float | None, default_s: float) -> str:
    """The hours of audio a month that an account may submit."""
    hours = (default_s if monthly_audio_s is None else monthly_audio_s) / 3600
    if not hours:
        return _("any amount a month")
    number = 1 if hours == 1 else 2  # 1.5 hours are several
    return ngettext(
        "%(hours)s hour a month", "%(hours)s hours a month", number, hours=format_decimal(hours)
    )
