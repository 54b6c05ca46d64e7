"""Order in which groups of speech join, by the average distance between all their speech.

Average linkage (UPGMA) found by a chain of nearest neighbours. Distances are kept as sums over
pairs of groups, in whole numbers of any size, so nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple


class Merge(NamedTuple):
    """A cluster joins another. Each is named by its lowest member, so `into` is below `gone`."""

    distance: Fraction
    into: int
    gone: int


def average_linkage(distances: Sequence[Sequence[int]], weights: Sequence[int]) -> list[Merge]:
    """Join all of n groups, the nearest clusters first: n - 1 merges by rising distance.

    The distance between two clusters is the mean over all pairs of their members, each pair with
    the product of its `weights`, which are positive. Of neighbours that are equally near, the one
    with the lowest member is taken.
    """
    # Between two clusters: the sum over pairs. The mean is this by the product of both weights.
    sums = [
        [distance * weight * other for distance, other in zip(row, weights, strict=True)]
        for row, weight in zip(distances, weights, strict=True)
    ]
    total = list(weights)
    alive = list(range(len(weights)))
    merges: list[Merge] = []
    path: list[int] = []
    while len(alive) > 1:
        if not path:
            path.append(alive[0])
        last = path[-1]
        before = path[-2] if len(path) > 1 else None
        nearest = _nearest(last, before, sums[last], total, alive)
        if nearest != before:
            path.append(nearest)
            continue
        # Each is the other's nearest: no later merge brings anything nearer to either.
        del path[-2:]
        into, gone = min(last, nearest), max(last, nearest)
        merges.append(Merge(Fraction(sums[into][gone], total[into] * total[gone]), into, gone))
        alive.remove(gone)
        total[into] += total[gone]
        for other in alive:
            sums[into][other] += sums[gone][other]
            sums[other][into] = sums[into][other]
    # A cluster is made before it joins another, and never at a larger distance, so a stable sort
    # keeps that order.
    return sorted(merges, key=lambda merge: merge.distance)


def _nearest(
    cluster: int, before: int | None, sums: Sequence[int], total: Sequence[int], alive: list[int]
) -> int:
    """The cluster of the least mean; the one `before` in the path where it is among the nearest,
    or the path would never end."""
    nearest = before
    for other in alive:
        if other != cluster and (
            nearest is None or sums[other] * total[nearest] < sums[nearest] * total[other]
        ):
            nearest = other
    assert nearest is not None
    return nearest
