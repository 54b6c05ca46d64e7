"""Durations, sizes, speeds and shares as text, in the reader's language."""

from __future__ import annotations

from flask_babel import format_percent
from flask_babel import gettext as _


def clock(seconds: float) -> str:
    """A position in a recording, or its length.

    >>> clock(62.9), clock(3725)
    ('1:02', '1:02:05')
    """
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def duration_text(seconds: float) -> str:
    """A duration, to the second below ten minutes and to the minute above.

    >>> duration_text(0.4), duration_text(42), duration_text(150), duration_text(5400)
    ('less than a second', '42 s', '2 min 30 s', '1 h 30 min')
    """
    if seconds < 1:
        return _("less than a second")
    whole = round(seconds)
    if whole < 60:
        return _("%(seconds)s s", seconds=whole)
    if whole < 600:
        return _pair(_("%(minutes)s min", minutes=whole // 60), _in_seconds(whole % 60))
    minutes = round(seconds / 60)
    if minutes < 60:
        return _("%(minutes)s min", minutes=minutes)
    rest = minutes % 60
    return _pair(
        _("%(hours)s h", hours=minutes // 60), _("%(minutes)s min", minutes=rest) if rest else ""
    )


def _in_seconds(seconds: int) -> str:
    return _("%(seconds)s s", seconds=seconds) if seconds else ""


def _pair(large: str, small: str) -> str:
    return f"{large} {small}" if small else large


def seconds_text(seconds: float) -> str:
    """A measured time or length of audio, in seconds up to 100.

    >>> seconds_text(0.04), seconds_text(1.26), seconds_text(65.2), seconds_text(537.6)
    ('0.04 s', '1.3 s', '65.2 s', '8 min 58 s')
    """
    if seconds < 0.1:
        return _("%(seconds)s s", seconds=f"{seconds:.2f}" if seconds else "0")
    return _("%(seconds)s s", seconds=f"{seconds:.1f}") if seconds < 100 else duration_text(seconds)


def bytes_text(count: float) -> str:
    """A size in gibibytes or mebibytes, under the names GB and MB that people know."""
    if count >= 2**30:
        return f"{count / 2**30:.1f}".removesuffix(".0") + " GB"
    return f"{count / 2**20:.0f} MB"


def memory_text(count: float) -> str:
    """A size in gigabytes of 10^9 bytes, the unit in which batch sizes are reasoned about."""
    return f"{count / 1e9:.1f} GB"


def speed_text(factor: float) -> str:
    """Speed as seconds of audio processed in one second, as text."""
    return _("%(factor)s× real time", factor=f"{factor:.0f}" if factor >= 10 else f"{factor:.1f}")


def padded_text(seconds: float) -> str:
    """A batch size in seconds of padded audio, to the tenth where there is one.

    >>> padded_text(300.0), padded_text(37.25)
    ('300 s', '37.2 s')
    """
    return _("%(seconds)s s", seconds=f"{seconds:.1f}".removesuffix(".0"))


def share(part: float) -> str:
    """A fraction of 1 as a percentage, to the tenth."""
    return format_percent(part, "#,##0.#%")
