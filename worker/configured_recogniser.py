"""Loads the recogniser and the speaker encoder that the settings describe."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from shared.settings import Settings
from worker.engine.voice_activity.endpoints import VoiceActivityOptions
from worker.model_store.locate import (
    locate_configured_speakers,
    remembered_in,
    require_own_folders,
)
from worker.recogniser import Recogniser
from worker.speaker_encoder import SpeakerEncoder


@contextmanager
def _without_collections() -> Iterator[None]:
    """Look for no garbage: what is imported and loaded stays, and searching it again and again
    takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def load_configured_recogniser(settings: Settings, *, calibrate: bool) -> Recogniser:
    """Load the models that the settings name: once a process, for it takes seconds.

    With `calibrate` the memory model is measured on the device, or read from the data folder.
    Raises ModelUnavailable, saying what to do.
    """
    require_own_folders(settings)  # what is missing is told before torch is imported
    with _without_collections():
        # torch: only in the process that recognises
        from worker.engine.funasr_recogniser import load_recogniser

        gc.freeze()  # what was imported stays; only what loading leaves is looked for afterwards

        recogniser = load_recogniser(
            settings.model,
            settings.vad_model or None,
            settings.punc_model or None,
            model_revision=settings.model_revision,
            vad_revision=settings.vad_model_revision,
            punc_revision=settings.punc_model_revision,
            offline=settings.model_offline,
            model_hub=settings.model_hub,
            model_memory=remembered_in(settings.data_dir),
            device=settings.device,
            cpu_threads=settings.cpu_threads,
            precision=settings.precision,
            cpu_runtime=settings.cpu_runtime,
            processes=settings.worker_concurrency,
            voice_activity=VoiceActivityOptions(
                end_silence_ms=settings.vad_end_silence_ms, max_segment_s=settings.max_segment_s
            ),
        )
    if calibrate:
        recogniser.calibrate(settings.calibration_dir)
    return recogniser


def load_configured_encoder(settings: Settings) -> SpeakerEncoder:
    """Load the network that tells voices apart: when the first job asks for it, for others need
    neither its memory nor its download.

    Raises ModelUnavailable, saying what to do.
    """
    from worker.engine.device import resolve_device
    from worker.engine.speakers.encoder import load_encoder

    return load_encoder(locate_configured_speakers(settings), resolve_device(settings.device))
