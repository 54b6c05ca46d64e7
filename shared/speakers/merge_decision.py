"""Likeness of the voices of two clusters, corrected for the noise of their pieces, and the decision
whether they are one voice.

Noise, and pieces that are short, make all pieces less alike, those of one voice too. So what two
clusters have in common is measured by what each has with itself (Spearman's correction for
attenuation): it is the cosine between the two voices, were there enough speech of each.

Two people can be as alike as the halves that noise makes of one voice. But people speak in turns:
pieces that stand beside each other in one stretch of speech are nearly always one person's, and the
halves of one voice change there from piece to piece.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from math import isqrt

from shared.speakers.joining_clusters import Clusters
from shared.speakers.voice_map import FARTHEST

_ENOUGH = 600
"""Hundredths of a second of speech after which a cluster is measured by itself as much as by the
encoder's threshold."""

_EXPECTED_BESIDE = 6
"""Least number of times that chance puts pieces of two clusters beside each other, from which on it
tells that they do not stand so. With 4 too few decided."""

_TURNS_PERCENT = 40
"""Percent of what chance gives: two clusters whose pieces stand beside each other less often are
two people who take turns. One voice had 50 and more, two had 0, and up to 30 in quick turns."""

_FINE = 1024
"""Products are in so many parts of 1/FARTHEST."""


class Likeness:
    """Likeness of clusters as they join; `threshold` is the encoder's (`VoiceMap`)."""

    def __init__(self, clusters: Clusters, threshold: int) -> None:
        self._clusters = clusters
        self.same = max(1, 1000 - 1000 * threshold // FARTHEST)
        """Thousandths of the cosine from which on two clusters are one voice: half as far apart as
        two pieces may be. With the bundled encoder 812, where the halves of one voice, in noise
        too, had 880 and more, and two voices that are much alike 720 and less."""
        self.certain = (1000 + self.same) // 2
        """Likeness from which on two are one, however their turns are: somebody's voice may change
        from one sentence to the next. With the bundled encoder 906."""
        # Where nothing else is known, it is the threshold that makes two clusters one voice.
        self._expected = (FARTHEST - 2 * threshold) * 1000 // self.same

    def between(self, one: int, other: int) -> int:
        """Thousandths of the cosine between two clusters' voices; above 1000 too, by chance."""
        pairs = self._clusters.speech[one] * self._clusters.speech[other]
        product = FARTHEST * pairs - 2 * self._clusters.sums[one][other]
        within = self._within(one) * self._within(other)
        return 1000 * (_FINE * product // pairs) // isqrt(within)

    def is_one_voice(self, one: int, other: int) -> bool:
        """Return whether two clusters are one person's."""
        alike = self.between(one, other)
        if alike < self.same:
            return False
        return alike >= self.certain or not self._take_turns(one, other)

    def is_mixed(self, cluster: int, among: Iterable[int]) -> bool:
        """Return whether a cluster is a mix of two of those, each of whom speaks at least twice as
        much: to take somebody's own voice for a mix costs more than to keep one."""
        speech = self._clusters.speech
        others = {
            other: self.between(cluster, other)
            for other in among
            if speech[other] >= 2 * speech[cluster]
        }
        return any(
            _is_mix(others[one], others[other], self.between(one, other))
            for one, other in combinations(others, 2)
        )

    def _take_turns(self, one: int, other: int) -> bool:
        """Return whether pieces of two clusters stand beside each other far less often than those
        would that have their neighbours by chance; False where that cannot be known."""
        neighbours = self._clusters.neighbours[one], self._clusters.neighbours[other]
        pairs, both = neighbours[0] * neighbours[1], sum(neighbours)
        beside = self._clusters.beside[one][other]
        return pairs >= _EXPECTED_BESIDE * both and 100 * beside * both < _TURNS_PERCENT * pairs

    def _within(self, cluster: int) -> int:
        """The mean product of two pieces of a cluster, none with itself, in parts of FARTHEST; it
        is taken to be what is expected where the cluster says little."""
        pairs = self._clusters.speech[cluster] ** 2 - self._clusters.squares[cluster]
        product = FARTHEST * pairs - 2 * self._clusters.sums[cluster][cluster]
        known = product + _ENOUGH**2 * self._expected
        return max(1, _FINE * known // (pairs + _ENOUGH**2))


def _is_mix(one: int, other: int, between: int) -> bool:
    """Return whether a voice lies between two others, given its cosines to both and theirs, in
    thousandths: beside the straight line from the one to the other, and near it.

    The directions from voice to voice tell that and not the voices', for an encoder may give all
    people something in common: each is then much like a mix of any two.
    """
    to_one, to_other, across = 1000 - one, 1000 - other, 1000 - between  # squares of distances
    along = to_one + across - to_other
    if not 0 < along < 2 * across:
        return False
    # From the line at most the root of an eighth, some third, of what the two are apart.
    return 2 * (4 * to_one * across - along**2) <= across**2
