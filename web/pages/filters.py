"""The filters and globals of the templates: values as text for people."""

from __future__ import annotations

from flask import Flask

from web.http.repeated_forms import once_token
from web.i18n.dates import date_text, day_text, exact_time_text
from web.i18n.quantities import bytes_text, clock, duration_text, share
from web.i18n.warnings import warning_text
from web.pages.confirmation import asks
from web.pages.export_choices import export_formats, export_numbers, export_toggles
from web.pages.job.history_text import has_problems, outcome_text
from web.pages.job.marks import mark_json, mark_kind_text, mark_kind_texts, mark_kinds
from web.pages.job.recording_text import recording_rows, track_texts
from web.pages.job.sharing_text import level_text
from web.pages.job.statistics import statistics
from web.pages.job.status_text import (
    audio_texts,
    batch_text,
    error_text,
    kept_text,
    queue_texts,
    retry_may_help,
    speaker_look,
    state_text,
    warning_texts,
)
from web.pages.sample import has_sample


def register_filters(app: Flask) -> None:
    for filter_ in (
        state_text,
        queue_texts,
        audio_texts,
        kept_text,
        batch_text,
        warning_text,
        warning_texts,
        recording_rows,
        track_texts,
        error_text,
        retry_may_help,
        statistics,
        outcome_text,
        has_problems,
        clock,
        duration_text,
        bytes_text,
        share,
        level_text,
        mark_kind_text,
        mark_json,
        date_text,
        day_text,
        exact_time_text,
    ):
        app.add_template_filter(filter_)
    for function in (
        asks,
        has_sample,
        once_token,
        mark_kinds,
        mark_kind_texts,
        export_formats,
        export_toggles,
        export_numbers,
        speaker_look,
    ):
        app.add_template_global(function)
