"""Clusters that join: their sums, which join first, and which may."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from shared.speakers.joining_clusters import Clusters, join

Matrix = list[list[int]]


def matrix_of(size: int, pairs: list[int]) -> Matrix:
    rows = [[0] * size for _ in range(size)]
    for (one, other), distance in zip(combinations(range(size), 2), pairs, strict=True):
        rows[one][other] = rows[other][one] = distance
    return rows


@st.composite
def recordings(draw: st.DrawFn) -> tuple[Matrix, list[int]]:
    size = draw(st.integers(2, 8))
    pairs = size * (size - 1) // 2
    distances = draw(st.lists(st.integers(0, 255), min_size=pairs, max_size=pairs))
    weights = draw(st.lists(st.integers(1, 400), min_size=size, max_size=size))
    return matrix_of(size, distances), weights


def apart(clusters: Clusters) -> list[list[int]]:
    return [[clusters.sums[one][other] for other in clusters.members] for one in clusters.members]


def beside(clusters: Clusters) -> list[list[int]]:
    return [[clusters.beside[one][other] for other in clusters.members] for one in clusters.members]


@given(recordings(), st.integers(1, 8))
def test_joined_clusters_are_as_if_they_had_been_given(
    recording: tuple[Matrix, list[int]], until: int
) -> None:
    matrix, weights = recording
    # Any symmetric matrix serves for what stands beside what.
    clusters = Clusters(matrix, weights, [[group] for group in range(len(weights))], matrix)
    join(clusters, until, lambda one, other: True)
    assert len(clusters.members) == min(until, len(weights))
    again = Clusters(matrix, weights, clusters.members.values(), matrix)
    assert apart(clusters) == apart(again)
    assert beside(clusters) == beside(again)
    assert list(clusters.neighbours.values()) == list(again.neighbours.values())
    assert list(clusters.speech.values()) == list(again.speech.values())
    assert list(clusters.squares.values()) == list(again.squares.values())


def test_only_those_join_that_may() -> None:
    matrix = matrix_of(4, [5, 90, 90, 90, 90, 5])
    clusters = Clusters(matrix, [300] * 4, [[0], [1], [2], [3]])
    join(clusters, 1, lambda one, other: one > 1)
    assert list(clusters.members.values()) == [[0], [1], [2, 3]]


def test_of_pairs_that_are_equally_near_the_lowest_join() -> None:
    clusters = Clusters(matrix_of(4, [7] * 6), [300] * 4, [[0], [1], [2], [3]])
    join(clusters, 3, lambda one, other: True)
    assert list(clusters.members.values()) == [[0, 1], [2], [3]]


def test_who_speaks_little_joins_before_two_who_speak_long() -> None:
    clusters = Clusters(matrix_of(3, [60, 80, 80]), [6000, 6000, 100], [[0], [1], [2]])
    join(clusters, 2, lambda one, other: True)
    assert list(clusters.members.values()) == [[0, 2], [1]]
