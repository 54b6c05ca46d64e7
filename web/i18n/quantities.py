"""Times, sizes and counts in words for people, in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _


def clock(seconds: float) -> str:
    """A place in a recording, or its length.

    >>> clock(62.9), clock(3725)
    ('1:02', '1:02:05')
    """
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def span(seconds: float) -> str:
    """A time that passes, no finer than anyone wants to know.

    >>> span(0.4), span(42), span(150), span(5400)
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


def seconds_words(seconds: float) -> str:
    """A measured time or length of audio.

    >>> seconds_words(0.04), seconds_words(1.26), seconds_words(65.2), seconds_words(537.6)
    ('0.04 s', '1.3 s', '65.2 s', '8 min 58 s')
    """
    if seconds < 0.1:
        return _("%(seconds)s s", seconds=f"{seconds:.2f}" if seconds else "0")
    return _("%(seconds)s s", seconds=f"{seconds:.1f}") if seconds < 100 else span(seconds)


def bytes_words(count: float) -> str:
    """Gibibytes and mebibytes, named as memory and files usually are."""
    if count >= 2**30:
        return f"{count / 2**30:.1f}".removesuffix(".0") + " GB"
    return f"{count / 2**20:.0f} MB"


def memory_words(count: float) -> str:
    """In the gigabytes of 10^9 bytes that the reason for a batch size counts in."""
    return f"{count / 1e9:.1f} GB"


def speed_words(factor: float) -> str:
    return _("%(factor)s× real time", factor=f"{factor:.0f}" if factor >= 10 else f"{factor:.1f}")


def padded_words(seconds: float) -> str:
    """What a batch may hold, to the tenth where there is one.

    >>> padded_words(300.0), padded_words(37.25)
    ('300 s', '37.2 s')
    """
    return _("%(seconds)s s", seconds=f"{seconds:.1f}".removesuffix(".0"))
