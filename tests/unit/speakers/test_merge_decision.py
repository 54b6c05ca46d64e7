"""How alike two clusters' voices are, in any noise, and which are only a mix of two others."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.speakers.joining_clusters import Clusters
from shared.speakers.merge_decision import Likeness
from tests.support.voices import THRESHOLD, WIDTH, unit

Voice = NDArray[np.float64]


def voices(cosine: float) -> tuple[Voice, Voice]:
    chance = np.random.default_rng(4)
    one = unit(chance.standard_normal(WIDTH))
    across = unit(chance.standard_normal(WIDTH))
    across = unit(across - across @ one * one)
    return one, cosine * one + np.sqrt(1 - cosine**2) * across


def spoken(*said: tuple[Voice, int], noise: float, weight: int = 150) -> Clusters:
    """A cluster for each voice, of so many pieces of so many hundredths of a second."""
    chance = np.random.default_rng(5)
    rows = [
        voice + noise * unit(chance.standard_normal(WIDTH))
        for voice, pieces in said
        for _ in range(pieces)
    ]
    vectors = unit(np.array(rows))
    distances = np.rint(255 * (1 - vectors @ vectors.T) / 2).astype(int).tolist()
    ends = np.cumsum([0, *(pieces for _, pieces in said)]).tolist()
    members = [list(range(*pair)) for pair in pairwise(ends)]
    return Clusters(distances, [weight] * len(rows), members)


def mixed(clusters: Clusters) -> list[int]:
    likeness = Likeness(clusters, THRESHOLD)
    return [name for name in clusters.members if likeness.is_mixed(name, clusters.members)]


@pytest.mark.parametrize("noise", [0.3, 0.7, 1.2])
@pytest.mark.parametrize("cosine", [0.0, 0.5, 0.75, 1.0])
def test_noise_makes_nobody_more_or_less_alike(noise: float, cosine: float) -> None:
    one, other = voices(cosine)
    likeness = Likeness(spoken((one, 60), (other, 60), noise=noise), THRESHOLD)
    assert likeness.between(0, 1) == pytest.approx(1000 * cosine, abs=45)
    assert likeness.between(0, 1) == likeness.between(1, 0)


@pytest.mark.parametrize("threshold", [20, 48, 51, 76, 120])
def test_of_two_pieces_the_threshold_tells(threshold: int) -> None:
    def is_same(distance: int) -> bool:
        lone = Clusters([[0, distance], [distance, 0]], [90, 90], [[0], [1]])
        likeness = Likeness(lone, threshold)
        return likeness.between(0, 1) >= likeness.same

    assert is_same(threshold - 1)
    assert not is_same(threshold + 1)


def test_pieces_in_which_two_speak_are_a_mix_of_them() -> None:
    one, other = voices(0.1)
    third = voices(0.0)[1][::-1]
    both = unit(one + other)
    clusters = spoken((one, 40), (other, 40), (third, 40), (both, 12), noise=0.7)
    assert mixed(clusters) == [3]


@pytest.mark.parametrize(("pieces", "found"), [(10, [2]), (30, [])])
def test_who_speaks_as_much_as_they_is_no_mix(pieces: int, found: list[int]) -> None:
    one, other = voices(0.1)
    both = unit(one + other)
    assert mixed(spoken((one, 20), (other, 20), (both, pieces), noise=0.7)) == found


@pytest.mark.parametrize("alike", [0.3, 0.5, 0.7, 0.9])
def test_people_who_are_all_alike_are_no_mix(alike: float) -> None:
    chance = np.random.default_rng(6)
    common, *own = unit(chance.standard_normal((5, WIDTH)))
    people: Sequence[Voice] = [np.sqrt(alike) * common + np.sqrt(1 - alike) * each for each in own]
    said = [(person, pieces) for person, pieces in zip(people, (60, 60, 30, 20), strict=True)]
    assert mixed(spoken(*said, noise=0.3)) == []
    both = unit(people[0] + people[1])
    assert mixed(spoken(*said, (both, 15), noise=0.3)) == [4]


def test_who_is_near_one_of_two_only_is_no_mix() -> None:
    one, alike = voices(0.75)
    _, far = voices(0.0)
    assert mixed(spoken((one, 40), (-far, 40), (alike, 12), noise=0.5)) == []
