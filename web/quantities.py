"""Times, sizes and counts in words for people."""

from __future__ import annotations


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
        return "less than a second"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def seconds_words(seconds: float) -> str:
    """A measured time or length of audio.

    >>> seconds_words(0.04), seconds_words(1.26), seconds_words(65.2), seconds_words(537.6)
    ('0.04 s', '1.3 s', '65.2 s', '8 min 58 s')
    """
    if seconds < 0.1:
        return f"{seconds:.2f} s" if seconds else "0 s"
    return f"{seconds:.1f} s" if seconds < 100 else span(seconds)


def bytes_words(count: float) -> str:
    """Gibibytes and mebibytes, named as memory and files usually are."""
    if count >= 2**30:
        return f"{count / 2**30:.1f}".removesuffix(".0") + " GB"
    return f"{count / 2**20:.0f} MB"


def memory_words(count: float) -> str:
    """In the gigabytes of 10^9 bytes that the reason for a batch size counts in."""
    return f"{count / 1e9:.1f} GB"


def speed_words(factor: float) -> str:
    return f"{factor:.0f}× real time" if factor >= 10 else f"{factor:.1f}× real time"


def padded_words(seconds: float) -> str:
    """What a batch may hold, to the tenth where there is one.

    >>> padded_words(300.0), padded_words(37.25)
    ('300 s', '37.2 s')
    """
    return f"{seconds:.1f}".removesuffix(".0") + " s"


def count_words(count: int, one: str, more: str) -> str:
    """
    >>> count_words(1, "batch", "batches"), count_words(1200, "batch", "batches")
    ('1 batch', '1,200 batches')
    """
    return f"{count:,} {one if count == 1 else more}"
