"""The key under which plans and results are stored."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from shared.transcripts.sound_selection import MIXED, SoundSelection
from worker.pipeline.tools import Tools
from worker.recogniser import RecognitionRequest
from worker.speaker_encoder import SpeakerEncoder

_PLAN_VERSION = 3
"""Raise it when a change to decoding or segmentation moves spans or alters words."""


def plan_key(
    tools: Tools,
    request: RecognitionRequest,
    selection: SoundSelection = MIXED,
    encoder: SpeakerEncoder | None = None,
) -> str:
    """A hash of everything that decides where the spans are and which words are recognised in them.

    What is stored under another key belongs to another text and is not used again.
    """
    settings, recogniser = tools.settings, tools.recogniser
    decides: list[object] = [
        _PLAN_VERSION,
        asdict(recogniser.identity) | {"device": None},
        settings.vad_end_silence_ms,
        # Where a recogniser takes shorter spans than the setting, they are cut at its limit.
        min(settings.max_segment_s, recogniser.longest_span_s),
    ]
    if asked := request.stated():  # an empty request keeps the keys from before there were any
        decides.append(asked)
    if chosen := selection.to_options():
        decides.append(chosen)
    if encoder is not None:  # voices come with the words, and only where somebody asks for them
        decides.append({"voices": encoder.revision})
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
