"""Voices as vectors of whole numbers, and those of speakers."""

from __future__ import annotations

import random
from math import sqrt

import pytest

from shared.speakers import VoiceMap, VoicePiece
from shared.speakers.kept.speaker_voices import voices_of_speakers
from shared.speakers.kept.vectors import likeness, packed, rows, unpacked, weighted_sum
from shared.transcripts.values import SAMPLE_RATE, Sentence


def test_a_vector_is_stored_at_one_length_and_keeps_its_direction() -> None:
    chance = random.Random(1)
    for size in (3, 70, 40_000_000):
        vector = [chance.randint(-size, size) for _ in range(192)]
        stored = packed(vector)
        length = sqrt(sum(number**2 for number in vector))
        assert list(unpacked(stored)) == [round(127 * number / length) for number in vector]
        assert likeness(vector, unpacked(stored)) >= 995
    assert unpacked(packed([0, 5])) == (0, 127)
    assert unpacked(packed([-7, 0])) == (-127, 0)
    assert unpacked(packed([0, 0])) == (0, 0)


def test_likeness_is_the_cosine_in_thousandths() -> None:
    assert likeness([1, 0], [90, 0]) == 1000
    assert likeness([1, 0], [0, 3]) == 0
    assert likeness([1, 0], [-2, 0]) == -1000
    assert likeness([3, 4], [1, 0]) == 600
    assert likeness([0, 0], [1, 0]) == 0


def test_rows_are_of_one_length() -> None:
    assert rows(bytes([1, 2, 255, 4]), 2) == [(1, 2), (-1, 4)]
    assert rows(b"", 0) == []
    with pytest.raises(ValueError, match="no 2 vectors"):
        rows(bytes(5), 2)
    assert weighted_sum([(2, (1, 0)), (1, (0, -3))]) == [2, -3]


def recorded(*groups: int) -> VoiceMap:
    """Pieces of a second, one after the other."""
    pieces = tuple(
        VoicePiece(n * SAMPLE_RATE, (n + 1) * SAMPLE_RATE, group) for n, group in enumerate(groups)
    )
    count = max(groups) + 1
    return VoiceMap("e", 40, pieces, bytes(count * (count - 1) // 2))


def lasting(*seconds: int) -> list[Sentence]:
    found, at = [], 0
    for length in seconds:
        found.append(Sentence(at, at + length, "好。"))
        at += length
    return found


def test_a_speaker_sounds_as_the_groups_whose_speech_is_theirs() -> None:
    voices = voices_of_speakers(
        recorded(0, 0, 0, 1, 2, 2), [(100, 0), (0, 100), (70, -70)], lasting(3, 1, 2), [1, 1, 2]
    )
    assert set(voices) == {1, 2}
    assert voices[1].seconds == 4 and unpacked(voices[1].vector) == (120, 40)
    assert voices[2].seconds == 2 and unpacked(voices[2].vector) == (90, -90)


def test_a_group_that_two_share_is_neithers_voice() -> None:
    voices = voices_of_speakers(
        recorded(0, 0, 0, 0, 1), [(100, 0), (0, 100)], lasting(2, 2, 1), [1, 2, 2]
    )
    assert set(voices) == {2} and voices[2].seconds == 1
    mostly = voices_of_speakers(recorded(0, 0, 0, 0, 0), [(100, 0)], lasting(4, 1), [1, 2])
    assert mostly[1].seconds == 4


def test_what_nobody_in_particular_says_is_nobodys_voice() -> None:
    assert voices_of_speakers(recorded(0, 0), [(9, 0)], lasting(1, 1), [None, None]) == {}
    assert voices_of_speakers(recorded(0), [(9, 0)], [], []) == {}
