"""Dates and times of day in UTC as text, in the reader's language."""

from __future__ import annotations

from datetime import date, datetime

from flask_babel import format_date, format_datetime
from flask_babel import gettext as _

from web.i18n.languages import current_language


def date_text(at: datetime) -> str:
    """Date and time to the minute, in UTC; scripts replace it by the reader's own time."""
    if current_language() == "en":
        return f"{at.day} {at:%b %Y, %H:%M} UTC"
    return f"{format_datetime(at, 'short', rebase=False)} UTC"


def day_text(day: date) -> str:
    """A day, as '30 Nov 2026'."""
    if current_language() == "en":
        return f"{day.day} {day:%b %Y}"
    return format_date(day, "long")


def exact_time_text(at: datetime) -> str:
    """Day and time to the second, without the year, for events that lie close together."""
    return format_datetime(at, _("d MMM, HH:mm:ss"), rebase=False)
