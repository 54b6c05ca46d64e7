"""How many speakers there are, and which groups of speech are certainly theirs."""

from __future__ import annotations

from collections.abc import Sequence

from shared.speakers.linkage import Merge, average_linkage
from shared.speakers.wanted import Wanted

LEAST_SPEECH = 600
"""Hundredths of a second that make a speaker of their own; in a short recording a quarter of all
speech is enough, in a long one it takes a hundredth."""

_DEEPEST = 8
"""Where n speakers are asked for, the cut goes down to 4n clusters and so many more before
clusters of half as much speech count: by then the largest are split at random."""


def find_speakers(
    distances: Sequence[Sequence[int]], weights: Sequence[int], threshold: int, wanted: Wanted
) -> list[list[int]]:
    """Clusters of groups, one for each speaker, by their lowest member.

    `weights` are hundredths of a second, all positive. Groups that lie too far out for a speaker,
    and belong to none that speaks enough, are in no cluster. There are as many as `wanted` allows,
    but never more than groups.
    """
    tree = _Tree(average_linkage(distances, weights), weights)
    total = sum(weights)
    least_speech = max(min(LEAST_SPEECH, total // 4), total // 100, 1)
    count = tree.count_nearer_than(threshold)
    found = [cluster for cluster in tree.at(count) if tree.speech(cluster) >= least_speech]
    least, most = wanted.bounds
    if least <= len(found) <= most:
        return found
    if not found and least == 1:
        return tree.largest(count, 1)
    return tree.split(min(max(len(found), least), most), least_speech)


class _Tree:
    """The merges of a linkage, which can be cut into any number of clusters."""

    def __init__(self, merges: Sequence[Merge], weights: Sequence[int]) -> None:
        self._merges = merges
        self._weights = weights

    def count_nearer_than(self, distance: int) -> int:
        """Count the clusters once all that are nearer than this have joined."""
        return len(self._weights) - sum(merge.distance < distance for merge in self._merges)

    def at(self, count: int) -> list[list[int]]:
        """Cut into so many clusters."""
        clusters = {group: [group] for group in range(len(self._weights))}
        for merge in self._merges[: len(self._weights) - count]:
            clusters[merge.into] += clusters.pop(merge.gone)
        return list(clusters.values())

    def speech(self, cluster: Sequence[int]) -> int:
        return sum(self._weights[group] for group in cluster)

    def largest(self, count: int, kept: int) -> list[list[int]]:
        """Cut into `count` clusters and keep those that speak most."""
        by_speech = sorted(self.at(count), key=lambda cluster: (-self.speech(cluster), cluster[0]))
        return sorted(by_speech[:kept])

    def split(self, wanted: int, least_speech: int) -> list[list[int]]:
        """Find `wanted` clusters that speak enough, in the coarsest cut that has them.

        A cut into just that many would spend them on a cough and a slammed door. Where there are
        not so many, less speech is enough.
        """
        wanted = min(wanted, len(self._weights))
        while least_speech > 0:
            large = self._large_counts(least_speech)
            for count in range(wanted, min(4 * wanted + _DEEPEST, len(large) - 1) + 1):
                if large[count] >= wanted:
                    return self.largest(count, wanted)
            least_speech //= 2
        return self.largest(wanted, wanted)

    def _large_counts(self, least_speech: int) -> list[int]:
        """How many clusters speak so much, for each number of clusters from 0."""
        speech = list(self._weights)
        large = sum(weight >= least_speech for weight in speech)
        counts = [large]
        for merge in self._merges:
            parts = speech[merge.into], speech[merge.gone]
            speech[merge.into] = sum(parts)
            large += (sum(parts) >= least_speech) - sum(part >= least_speech for part in parts)
            counts.append(large)
        return [0, *reversed(counts)]
