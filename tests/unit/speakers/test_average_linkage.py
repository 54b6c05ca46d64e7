"""Average linkage, beside the plain way to compute it."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from shared.speakers.average_linkage import Merge, average_linkage

Matrix = list[list[int]]


@st.composite
def matrices(draw: st.DrawFn, highest: int) -> tuple[Matrix, list[int]]:
    size = draw(st.integers(1, 9))
    matrix = [[0] * size for _ in range(size)]
    for one, other in combinations(range(size), 2):
        matrix[one][other] = matrix[other][one] = draw(st.integers(0, highest))
    return matrix, draw(st.lists(st.integers(1, 400), min_size=size, max_size=size))


def mean(matrix: Matrix, weights: list[int], one: list[int], other: list[int]) -> Fraction:
    pairs = [(a, b) for a in one for b in other]
    whole = sum(weights[a] * weights[b] for a, b in pairs)
    return Fraction(sum(matrix[a][b] * weights[a] * weights[b] for a, b in pairs), whole)


def replay(merges: list[Merge], size: int) -> list[tuple[Fraction, list[int], list[int]]]:
    clusters = {n: [n] for n in range(size)}
    joined = []
    for merge in merges:
        gone = clusters.pop(merge.gone)
        joined.append((merge.distance, clusters[merge.into], gone))
        clusters[merge.into] = sorted(clusters[merge.into] + gone)
    assert list(clusters.values()) == [list(range(size))]
    return joined


@given(matrices(highest=4) | matrices(highest=255))
def test_each_merge_has_the_mean_over_its_pairs_and_they_rise(
    drawn: tuple[Matrix, list[int]],
) -> None:
    matrix, weights = drawn
    merges = average_linkage(matrix, weights)
    assert len(merges) == len(weights) - 1
    for distance, into, gone in replay(merges, len(weights)):
        assert distance == mean(matrix, weights, into, gone)
        assert into[0] < gone[0]
    assert [merge.distance for merge in merges] == sorted(merge.distance for merge in merges)


@given(matrices(highest=100_000))
def test_it_joins_what_the_plain_way_joins(drawn: tuple[Matrix, list[int]]) -> None:
    matrix, weights = drawn
    clusters, expected = [[n] for n in range(len(weights))], []
    while len(clusters) > 1:
        pairs = {
            (a, b): mean(matrix, weights, clusters[a], clusters[b])
            for a, b in combinations(range(len(clusters)), 2)
        }
        nearest = min(pairs.values())
        if list(pairs.values()).count(nearest) > 1:
            return  # joined in another order, two equally near pairs may give another tree
        [(a, b)] = [pair for pair, distance in pairs.items() if distance == nearest]
        expected.append((nearest, clusters[a], clusters[b]))
        clusters = sorted(
            [*(c for n, c in enumerate(clusters) if n not in (a, b)),
             sorted(clusters[a] + clusters[b])]
        )  # fmt: skip
    assert replay(average_linkage(matrix, weights), len(weights)) == expected


def test_where_all_are_equally_near_the_lowest_join_first() -> None:
    matrix = [[0 if one == other else 7 for other in range(5)] for one in range(5)]
    merges = average_linkage(matrix, [1] * 5)
    assert {merge.distance for merge in merges} == {7}
    assert (merges[0].into, merges[0].gone) == (0, 1)
    assert average_linkage(matrix, [1] * 5) == merges


def test_a_heavy_group_counts_for_more() -> None:
    # 0 and 1 join; the third lies at 10 from one and 30 from the other.
    matrix = [[0, 2, 10], [2, 0, 30], [10, 30, 0]]
    assert average_linkage(matrix, [3, 1, 1])[-1].distance == 15
    assert average_linkage(matrix, [1, 3, 1])[-1].distance == 25


def test_one_group_and_none_have_nothing_to_join() -> None:
    assert average_linkage([[0]], [5]) == []
    assert average_linkage([], []) == []
