"""Reason for the size of a job's batches, as a sentence in the reader's language."""

from __future__ import annotations

from math import floor

from flask_babel import gettext as _

from shared.jobs import RecognitionStats
from shared.states import BatchLimit
from web.i18n.languages import current_language
from web.i18n.quantities import memory_text


def batch_reason(figures: RecognitionStats) -> str | None:
    """The sentence, without a capital and a full stop; None where the reason is not known."""
    if figures.limited_by is None:
        # Of an attempt of an older version, which stored it in English.
        return figures.stored_reason if current_language() == "en" else None
    said = _("%(ceiling)s; %(memory)s", ceiling=_ceiling(figures), memory=_memory(figures))
    if figures.limited_by is not BatchLimit.LEARNED:
        return said
    return _(
        "%(limits)s; %(size)s s since a larger batch ran out of memory",
        limits=said,
        size=f"{figures.learned_ceiling_s or 0:.0f}",
    )


def _ceiling(figures: RecognitionStats) -> str:
    ceiling = f"{figures.length_ceiling_s or 0:.0f}"
    if figures.limited_by is BatchLimit.DEVICE:
        return _("more than %(ceiling)s s would gain this device little", ceiling=ceiling)
    if figures.sized_for_s is None:
        return _("LONGSCRIBE_BATCH_SIZE_S asks for %(ceiling)s s", ceiling=ceiling)
    return _(
        "%(recording)s allows %(ceiling)s s",
        recording=_recording(figures.sized_for_s),
        ceiling=ceiling,
    )


def _recording(seconds: float) -> str:
    """Describe a recording by its length. English has two articles, so each unit has two texts."""
    if seconds < 60:
        return _("a %(seconds)s-second recording", seconds=max(1, round(seconds)))
    minutes = round(seconds / 60)
    if minutes < 100:
        if minutes in (8, 11, 18) or 80 <= minutes < 90:
            return _("an %(minutes)s-minute recording", minutes=minutes)
        return _("a %(minutes)s-minute recording", minutes=minutes)
    hours = f"{seconds / 3600:.1f}"
    if hours.startswith(("8", "11.", "18.")):
        return _("an %(hours)s-hour recording", hours=hours)
    return _("a %(hours)s-hour recording", hours=hours)


def _memory(figures: RecognitionStats) -> str:
    free = memory_text(figures.headroom_bytes or 0)
    if figures.jobs_at_once is not None and figures.jobs_at_once > 1:
        memory = _(
            "%(free)s free memory for each of %(jobs)s jobs at once",
            free=free,
            jobs=figures.jobs_at_once,
        )
    else:
        memory = _("%(free)s free memory", free=free)
    cap_s = figures.memory_cap_s or 0.0
    if cap_s < 1:
        return _(
            "%(memory)s leaves nothing after the reserve, so segments go one by one", memory=memory
        )
    cap = f"{floor(cap_s):,}"
    if figures.memory_is_measured:
        return _("%(memory)s allows %(cap)s s as measured", memory=memory, cap=cap)
    return _("%(memory)s allows %(cap)s s", memory=memory, cap=cap)
