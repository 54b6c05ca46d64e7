"""Number of speakers, and the groups of speech that certainly belong to each."""

from __future__ import annotations

from collections.abc import Sequence

from shared.speakers.average_linkage import average_linkage
from shared.speakers.joining_clusters import Clusters, join
from shared.speakers.merge_decision import Likeness
from shared.speakers.requested_speaker_count import SpeakerCount

LEAST_SPEECH = 600
"""Hundredths of a second that make a speaker of their own; in a short recording a quarter of all
speech is enough, in a long one it takes a hundredth."""

_FINE = 100
"""Clusters that speakers are made of. All of them hold one voice only."""


def find_speakers(
    distances: Sequence[Sequence[int]],
    weights: Sequence[int],
    beside: Sequence[Sequence[int]],
    threshold: int,
    wanted: SpeakerCount,
) -> list[list[int]]:
    """Clusters of groups, one for each speaker, by their lowest member.

    `weights` are hundredths of a second, all positive; `beside` is as `Clusters` has it. There are
    as many as `wanted` allows, but never more than groups. Where the voices alone decide, groups
    that are like nobody who speaks enough are in no cluster.
    """
    fine = _fine_clusters(distances, weights)
    least, most = wanted.bounds
    count = least
    if least < most:
        found = _by_likeness(Clusters(distances, weights, fine, beside), threshold)
        if least <= len(found) <= most:
            return found
        count = min(max(least, len(found)), most)
    clusters = Clusters(distances, weights, fine)
    # The linkage itself would spend the number on a cough and a slammed door, which are far from
    # everybody, and keep two voices together that are alike.
    join(clusters, count, lambda one, other: True)
    return list(clusters.members.values())


def _fine_clusters(distances: Sequence[Sequence[int]], weights: Sequence[int]) -> list[list[int]]:
    """The nearest groups joined until `_FINE` are left."""
    clusters = {group: [group] for group in range(len(weights))}
    for merge in average_linkage(distances, weights)[: max(0, len(weights) - _FINE)]:
        clusters[merge.into] += clusters.pop(merge.gone)
    return list(clusters.values())


def _by_likeness(clusters: Clusters, threshold: int) -> list[list[int]]:
    """Clusters with enough speech that are no mix of others, after all clusters of one voice have
    joined; the largest where none has enough."""
    likeness = Likeness(clusters, threshold)
    join(clusters, 1, likeness.is_one_voice)
    speech = clusters.speech
    total = sum(speech.values())
    least = max(min(LEAST_SPEECH, total // 4), total // 100)
    enough = [name for name in speech if speech[name] >= least]
    if not enough:
        return [clusters.members[max(speech, key=speech.__getitem__)]]
    return [clusters.members[name] for name in enough if not likeness.is_mixed(name, enough)]
