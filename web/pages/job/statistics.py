"""The measured values that a job's page lists: speed, padding, memory, model and device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from web.api.schemas.jobs import BatchOut, JobOut
from web.i18n.quantities import clock, memory_text, seconds_text, speed_text


@dataclass(frozen=True, slots=True)
class Statistic:
    """A measured value as text, with a name and a short note."""

    name: str
    value: str
    note: str = ""


def statistics(job: JobOut) -> list[Statistic]:
    """Figures measured of a job's recognition; values that are not known are left out."""
    batch = job.batch
    if batch is None:
        return []
    found = [
        _statistic(_("Speed"), job.real_time_factor_x, speed_text, _("the whole job")),
        _statistic(_("Recognition"), batch.recognition_s, seconds_text, _("by the clock")),
        _statistic(_("Processor time"), batch.cpu_s, seconds_text, _("without decoding")),
        _statistic(_("Speech"), batch.speech_s, clock, _of_audio(job)),
        Statistic(_("Batches"), f"{batch.batches:,}"),
        _statistic(_("Padded over speech"), batch.padding, "{:.3f}".format, _("1 is no waste")),
        _statistic(_("Largest batch"), batch.largest_batch_s, seconds_text, _padded(batch)),
        _statistic(_("Peak memory"), batch.peak_bytes, memory_text, _predicted(batch)),
        Statistic(
            _("Out of memory"), _times(batch.oom_retries), _("halved") if batch.oom_retries else ""
        ),
        Statistic(_("Model"), job.model.name, _("demonstration") if job.model.demo else ""),
        _statistic(_("Device"), job.model.device, str, ""),
        _statistic(_("Precision"), job.model.dtype, str, ""),
    ]
    return [statistic for statistic in found if statistic is not None]


def _statistic(name: str, value: Any, text_of: Callable[[Any], str], note: str) -> Statistic | None:
    return None if value is None else Statistic(name, text_of(value), note)


def _of_audio(job: JobOut) -> str:
    return _("of %(time)s", time=clock(job.audio_duration)) if job.audio_duration else ""


def _padded(batch: BatchOut) -> str:
    return "" if batch.padding == 1 else _("padded")


def _predicted(batch: BatchOut) -> str:
    if batch.predicted_peak_bytes is None:
        return ""
    return _("%(memory)s predicted", memory=memory_text(batch.predicted_peak_bytes))


def _times(count: int) -> str:
    known = {0: _("never"), 1: _("once"), 2: _("twice")}
    return known.get(count) or ngettext("%(num)s time", "%(num)s times", count)
