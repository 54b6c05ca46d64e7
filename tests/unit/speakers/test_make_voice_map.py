"""Pieces put into groups, and told apart: as many voices as there are, in any order, anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from shared.speakers import MOST_GROUPS, SpeakerCount, VoiceMap, cut
from tests.support.stack import REPOSITORY
from tests.support.voices import THRESHOLD, WIDTH, Recording, record, right, unit
from worker.voices.make_voice_map import group


def mapped(recording: Recording) -> VoiceMap:
    return group(recording.vectors, recording.starts, recording.ends, "r1", THRESHOLD)


def digest(voice_map: VoiceMap) -> str:
    return hashlib.sha256(json.dumps(voice_map.to_json()).encode()).hexdigest()


@pytest.mark.parametrize(("speakers", "hours"), [(4, 1), (8, 3), (15, 10)])
def test_the_voices_of_hours_are_told_apart(speakers: int, hours: int) -> None:
    recording = record(speakers, 3600 * hours)
    voice_map = mapped(recording)
    assert voice_map.groups <= MOST_GROUPS < len(voice_map.pieces)
    numbers = cut(voice_map)
    assert set(numbers) == set(range(1, speakers + 1))
    assert right(recording, numbers) > 0.98


@pytest.mark.parametrize(("speakers", "seconds"), [(1, 120), (2, 120), (4, 300), (8, 600)])
def test_the_voices_of_minutes_are_told_apart(speakers: int, seconds: int) -> None:
    recording = record(speakers, seconds)
    voice_map = mapped(recording)
    numbers = cut(voice_map)
    assert set(numbers) == set(range(1, speakers + 1))
    assert right(recording, numbers) > 0.95


def test_voices_that_are_alike_are_told_apart_when_their_number_is_given() -> None:
    recording = record(4, 1800, alike=0.85, noise=0.4)
    voice_map = mapped(recording)
    assert len(set(cut(voice_map))) == 3
    for wanted in (SpeakerCount(4, 4), SpeakerCount(4, 6)):
        numbers = cut(voice_map, wanted)
        assert len(set(numbers)) == 4
        assert right(recording, numbers) > 0.95
    assert len(set(cut(voice_map, SpeakerCount(2, 2)))) == 2
    assert len(set(cut(voice_map, SpeakerCount(1, 1)))) == 1


def test_noise_changes_nothing_in_how_many_there_are() -> None:
    for noise in (0.3, 0.9, 1.2):
        recording = record(6, 900, noise=noise, alike=0.6)
        numbers = cut(mapped(recording))
        assert len(set(numbers)) == 6
        assert right(recording, numbers) > 0.9


def test_pieces_in_which_two_speak_are_no_third_speaker() -> None:
    recording = record(2, 600, noise=0.6, shares=[0.6, 0.4])
    vectors = recording.vectors.astype(float)
    # Each tenth piece holds as much of the one as of the other.
    one, other = (vectors[np.equal(recording.speakers, who)].mean(axis=0) for who in (0, 1))
    vectors[::10] += 4 * (one + other)
    both = Recording(
        np.rint(127 * unit(vectors)).astype(np.int8),
        recording.starts,
        recording.ends,
        recording.speakers,
    )
    assert len(set(cut(mapped(both)))) == 2


def test_who_hardly_speaks_is_kept_when_the_number_is_given() -> None:
    recording = record(3, 1800, shares=[0.6, 0.39, 0.005])
    voice_map = mapped(recording)
    assert len(set(cut(voice_map))) == 2
    numbers = cut(voice_map, SpeakerCount(3, 3))
    third = [number for who, number in zip(recording.speakers, numbers, strict=True) if who == 2]
    assert 0 < len(third) < 20 and len(set(third)) == 1
    assert right(recording, numbers) > 0.98


def test_one_speaker_too_many_does_not_split_who_speaks_long() -> None:
    recording = record(3, 1800)
    assert right(recording, cut(mapped(recording), SpeakerCount(4, 4))) > 0.95


def test_the_order_in_which_pieces_were_stored_changes_nothing() -> None:
    recording = record(4, 1800)
    shuffled = recording.part(np.random.default_rng(2).permutation(len(recording.starts)))
    assert mapped(shuffled) == mapped(recording)


ANOTHER_PROCESS = """
from tests.support.voices import record
from tests.unit.speakers.test_make_voice_map import digest, mapped
print(digest(mapped(record(4, 1800))))
"""


def test_another_process_with_other_threads_finds_the_same() -> None:
    here = digest(mapped(record(4, 1800)))
    for threads in ("1", "3"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, "-c", ANOTHER_PROCESS],
            cwd=REPOSITORY,
            env={**os.environ, **dict.fromkeys(names, threads), "PYTHONHASHSEED": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == here


def test_up_to_the_most_groups_each_piece_is_its_own() -> None:
    whole = record(3, 600)
    exactly = whole.part(np.arange(MOST_GROUPS))
    assert [piece.group for piece in mapped(exactly).pieces] == list(range(MOST_GROUPS))
    assert mapped(whole.part(np.arange(MOST_GROUPS + 1))).groups <= MOST_GROUPS


def test_distances_are_those_of_the_vectors() -> None:
    recording = record(3, 60)
    matrix = mapped(recording).matrix()
    vectors = recording.vectors.astype(float)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = 255 * (1 - vectors @ vectors.T) / 2
    assert np.abs(np.array(matrix) - expected).max() <= 0.51


def test_none_one_and_only_short_pieces() -> None:
    nothing = group(np.zeros((0, WIDTH), np.int8), [], [], "r1", THRESHOLD)
    assert nothing.pieces == () and cut(nothing) == []
    one = record(1, 60).part(np.arange(1))
    assert cut(mapped(one)) == [1]
    many = record(2, 600)
    short = Recording(
        many.vectors, many.starts, [start + 4_000 for start in many.starts], many.speakers
    )
    assert cut(mapped(short)) == [None] * len(short.starts)


def test_hours_of_pieces_below_a_second_are_grouped_too() -> None:
    recording = record(2, 900, piece_s=0.6, noise=0.5)
    below = np.flatnonzero(np.subtract(recording.ends, recording.starts) < 16_000)
    recording = recording.part(below)
    assert len(recording.starts) > MOST_GROUPS
    numbers = cut(mapped(recording))
    assert len(set(numbers)) == 2
    assert right(recording, numbers) > 0.95


def test_vectors_without_their_times_are_refused() -> None:
    with pytest.raises(ValueError, match="2 vectors, 1 starts and 2 ends"):
        group(np.ones((2, WIDTH), np.int8), [0], [5, 6], "r1", THRESHOLD)
