"""Which kept voices are suggested for the speakers of a recording."""

from __future__ import annotations

import random
from math import cos, radians, sin

from shared.speakers.kept.vectors import Vector
from shared.speakers.suggestions.suggest import MARGIN, least_likeness, suggest


def at(degrees: float) -> Vector:
    """Two vectors are as like as the cosine of the angle between them."""
    return round(1000 * cos(radians(degrees))), round(1000 * sin(radians(degrees)))


def suggested(
    speakers: dict[int, Vector],
    kept: dict[str, Vector],
    *barred: tuple[int, str],
    least: int = 800,
) -> list[tuple[int, str]]:
    found = suggest(speakers, kept, set(barred), least)
    return [(one.speaker, one.voice_id) for one in found]


def test_whoever_is_alike_is_suggested_with_the_likeness() -> None:
    [one] = suggest({3: at(0)}, {"a": at(20), "b": at(90)}, (), 800)
    assert (one.speaker, one.voice_id) == (3, "a")
    assert 938 <= one.likeness <= 940


def test_nobody_is_suggested_who_is_not_alike_enough() -> None:
    assert suggested({1: at(0)}, {"a": at(37)}) == []
    assert suggested({1: at(0)}, {"a": at(36)}) == [(1, "a")]
    assert suggested({}, {"a": at(0)}) == [] and suggested({1: at(0)}, {}) == []


def test_of_two_voices_much_alike_neither_is_suggested() -> None:
    assert suggested({1: at(0)}, {"a": at(10), "b": at(-11)}) == []
    assert suggested({1: at(0)}, {"a": at(10), "b": at(30)}) == [(1, "a")]


def test_of_two_speakers_much_alike_neither_gets_the_voice() -> None:
    assert suggested({1: at(10), 2: at(-11)}, {"a": at(0)}) == []
    assert suggested({1: at(30), 2: at(5)}, {"a": at(0)}) == [(2, "a")]


def test_a_pair_that_was_refused_counts_for_nothing() -> None:
    assert suggested({1: at(0)}, {"a": at(0), "b": at(20)}, (1, "a")) == [(1, "b")]
    assert suggested({1: at(5), 2: at(25)}, {"a": at(0)}, (1, "a")) == [(2, "a")]


def test_each_speaker_and_each_voice_is_suggested_once_in_whatever_order() -> None:
    chance = random.Random(5)
    for _ in range(50):
        speakers = {n: at(chance.uniform(0, 360)) for n in range(1, 7)}
        kept = {name: at(chance.uniform(0, 360)) for name in "abcdef"}
        found = suggested(speakers, kept)
        assert len({one for one, _ in found}) == len({one for _, one in found}) == len(found)
        shuffled = chance.sample(sorted(speakers.items()), 6)
        again = suggested(dict(shuffled), dict(reversed(kept.items())))
        assert again == found


def test_the_least_likeness_follows_from_the_encoders_threshold() -> None:
    assert least_likeness(48) == 849  # bundled
    assert least_likeness(76) == 762  # a cosine of 0.4, as CAM++ has
    assert MARGIN > 0
