"""What Chromium plays at a time is what the worker decodes for that time.

The rule of where zero is for each container is written in docs/recordings.md; here a player is
asked.  tests/chaos/recordings holds the worker to the rule with every kind of recording.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from tests.support.recordings.kinds import KINDS, Condition
from tests.support.recordings.makers import Workshop, has_ffmpeg, sample_meeting
from tests.support.recordings.places import SLOW_RATE, Original, Samples, slowed
from tests.support.recordings.player import Heard, Player, Request
from tests.support.speech.media import RATE
from worker.audio.decode import decode

RECORDINGS = (
    ("M4A, AAC", Condition.LATE),
    ("MP4, fragmented, H.264 and AAC", Condition.MIDDLE),
    ("Matroska, H.264 and AAC", Condition.LATE),
    ("WebM, VP8 and Opus", Condition.FAST),
    ("WebM, Opus", Condition.HOLE),
    ("Ogg, Opus", Condition.LATE),
)
SEEKS_S = (8.3, 27.4, 43.0)
"""Seconds at which all of them have speech."""
PLAYED_S = 1.8
WINDOW_S = 0.8
APART_S = 0.15


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    if not has_ffmpeg():
        if os.environ.get("CI") == "true":
            pytest.fail("the ffmpeg program is missing")
        pytest.skip("the ffmpeg program is not installed")
    return Workshop(tmp_path_factory.mktemp("player"))


@pytest.mark.chromium("it measures Chromium, which times follow")
def test_chromium_plays_a_time_as_it_is_decoded(browser: Browser, workshop: Workshop) -> None:
    original = Original(sample_meeting())
    paths = [workshop.make(KINDS[name], condition) for name, condition in RECORDINGS]
    decoded_of = {path.name: places_of_decoded(path, original) for path in paths}

    def why_wrong(request: Request, heard: Heard) -> str:
        decoded = decoded_of[request.file]
        played = places_of_played(heard, original)
        if len(played) < 2:
            return f"{len(played)} windows of speech are played: {heard.error}"
        for shown_s, place_s in played:
            apart_s = np.abs(decoded[:, 1] + shown_s - decoded[:, 0] - place_s)
            near = np.abs(decoded[:, 0] - shown_s) < WINDOW_S
            if not near.any():
                return f"nothing is decoded for {shown_s:.2f} s"
            if apart_s[near].min() > APART_S:
                return f"{apart_s[near].min():.2f} s apart at {shown_s:.2f} s"
        return ""

    with Player(browser, paths[0].parent) as player:
        requests = [Request(path.name, at_s, PLAYED_S) for path in paths for at_s in SEEKS_S]
        assert player.misheard(requests, why_wrong) == {}


def places_of_decoded(path: Path, original: Original) -> Samples:
    """Rows of the player's time of a window, and its place in the original."""
    with decode(path) as audio:
        sound = slowed(np.concatenate(list(audio)))
    rows = [
        (audio.clock.heard_s(round(start / SLOW_RATE * RATE)), place_s)
        for start, place_s in windows(sound, original)
    ]
    return np.array(rows)


def places_of_played(heard: Heard, original: Original) -> list[tuple[float, float]]:
    """Of each window, what the player showed, and its place in the original."""
    rows = []
    for start, place_s in windows(slowed(heard.sound), original):
        shown_s = heard.shown_at(round(start / SLOW_RATE * RATE))
        if shown_s is not None:
            rows.append((shown_s, place_s))
    return rows


def windows(sound: Samples, original: Original) -> Iterator[tuple[int, float]]:
    """Where each window of speech starts, at SLOW_RATE, and its place in the original."""
    size = round(WINDOW_S * SLOW_RATE)
    for start in range(0, len(sound) - size + 1, size // 2):
        window = sound[start : start + size]
        if np.sqrt((window**2).mean()) < 100:
            continue
        place = original.find(window)
        if place.similarity > 0.8:
            yield start, place.at_s
