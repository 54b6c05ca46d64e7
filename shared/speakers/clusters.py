"""How many speakers there are, and which groups of speech are certainly theirs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

from shared.speakers.linkage import Merge, average_linkage
from shared.speakers.wanted import Wanted

LEAST_SPEECH = 600
"""Hundredths of a second that make a speaker of their own; in a short recording a quarter of all
speech is enough, in a long one it takes a hundredth."""

_FINE = 100
"""Clusters that a number of speakers is made of. All of them hold one voice only."""


def find_speakers(
    distances: Sequence[Sequence[int]], weights: Sequence[int], threshold: int, wanted: Wanted
) -> list[list[int]]:
    """Clusters of groups, one for each speaker, by their lowest member.

    `weights` are hundredths of a second, all positive. There are as many as `wanted` allows, but
    never more than groups. Where the voices alone decide, groups that lie farther than `threshold`
    from everybody who speaks enough are in no cluster.
    """
    merges = average_linkage(distances, weights)
    found = _by_threshold(merges, weights, threshold)
    least, most = wanted.bounds
    if least < most and least <= len(found) <= most:
        return found
    count = min(max(least, len(found)), most)
    return _in_number(distances, weights, merges, count)


def _by_threshold(
    merges: Sequence[Merge], weights: Sequence[int], threshold: int
) -> list[list[int]]:
    """The clusters that speak enough once all that are nearer than the threshold have joined; the
    one that speaks most where none does."""
    total = sum(weights)
    least_speech = max(min(LEAST_SPEECH, total // 4), total // 100)
    near = sum(merge.distance < threshold for merge in merges)
    clusters = _joined(merges, near, len(weights))
    enough = [cluster for cluster in clusters if _speech(cluster, weights) >= least_speech]
    return enough or [max(clusters, key=lambda cluster: _speech(cluster, weights))]


def _joined(merges: Sequence[Merge], count: int, groups: int) -> list[list[int]]:
    """The clusters after so many merges."""
    clusters = {group: [group] for group in range(groups)}
    for merge in merges[:count]:
        clusters[merge.into] += clusters.pop(merge.gone)
    return list(clusters.values())


def _speech(cluster: Sequence[int], weights: Sequence[int]) -> int:
    return sum(weights[group] for group in cluster)


def _in_number(
    distances: Sequence[Sequence[int]],
    weights: Sequence[int],
    merges: Sequence[Merge],
    wanted: int,
) -> list[list[int]]:
    """Join fine clusters until `wanted` are left, by `_loss`.

    The linkage itself would spend the number on a cough and a slammed door, which are far from
    everybody, and keep two voices together that are alike.
    """
    count = len(weights)
    clusters = dict(enumerate(_joined(merges, count - min(_FINE, count), count)))
    speech = {name: _speech(cluster, weights) for name, cluster in clusters.items()}
    sums = _sums(distances, weights, clusters)
    losses = {
        (one, other): _loss(one, other, sums, speech) for one, other in combinations(clusters, 2)
    }
    while len(clusters) > wanted:
        # The first of equals: the pair with the lowest members.
        into, gone = min(losses, key=losses.__getitem__)
        clusters[into] += clusters.pop(gone)
        speech[into] += speech.pop(gone)
        for other in clusters:
            sums[into][other] += sums[gone][other]
        sums[into][into] += sums[into][gone] + sums[gone][gone]
        for other in clusters:
            sums[other][into] = sums[into][other]
        losses = {pair: loss for pair, loss in losses.items() if gone not in pair}
        for other in clusters:
            if other != into:
                pair = min(into, other), max(into, other)
                losses[pair] = _loss(*pair, sums, speech)
    return list(clusters.values())


def _sums(
    distances: Sequence[Sequence[int]], weights: Sequence[int], clusters: dict[int, list[int]]
) -> list[list[int]]:
    """Between each two clusters, and each and itself: the sum of distance times both weights."""
    far = [
        [sum(row[member] * weights[member] for member in cluster) for row in distances]
        for cluster in clusters.values()
    ]
    return [
        [sum(weights[member] * row[member] for member in cluster) for row in far]
        for cluster in clusters.values()
    ]


def _loss(one: int, other: int, sums: Sequence[Sequence[int]], speech: dict[int, int]) -> int:
    """What is lost when two clusters become one, as a number to compare.

    It is the square of: the seconds that they lose as two (the product by the sum), times the
    distance between their means to the power of 2.5. The first power, Ward's, splits somebody who
    speaks long in two before it keeps one who speaks little; the third, one who hardly speaks
    before two voices that are alike.
    """
    a, b = speech[one], speech[other]
    seconds = a * b // (a + b)
    # Half the mean distance within each, taken from the mean between them, in 1/1024 of a distance.
    apart = 2 * sums[one][other] * a * b - sums[one][one] * b * b - sums[other][other] * a * a
    distance = max(0, 1024 * apart // (2 * a * a * b * b))
    return int(seconds**2 * distance**5)
