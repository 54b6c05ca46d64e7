"""Clusters of groups of speech that join, two at a time, those first with whom least is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations


class Clusters:
    """Clusters of groups, each named by its place in the first list, and how far apart they are.

    Whole numbers of any size: nothing is rounded, whatever joins first.
    """

    def __init__(
        self,
        distances: Sequence[Sequence[int]],
        weights: Sequence[int],
        members: Iterable[Sequence[int]],
        beside: Sequence[Sequence[int]] | None = None,
    ) -> None:
        """Begin with one cluster for each of `members`. `beside` counts for each two groups, and
        each and itself, how often their pieces stand beside each other in one stretch of speech, a
        pair of one group twice. Without it nothing is known of that."""
        self.members = {name: list(cluster) for name, cluster in enumerate(members)}
        self.speech = {
            name: sum(weights[member] for member in cluster)
            for name, cluster in self.members.items()
        }
        self.squares = {
            name: sum(weights[member] ** 2 for member in cluster)
            for name, cluster in self.members.items()
        }
        """Squares of the members' weights: what the pairs of a member and itself come to."""
        far = [
            [sum(row[member] * weights[member] for member in cluster) for row in distances]
            for cluster in self.members.values()
        ]
        self.sums = [
            [sum(weights[member] * row[member] for member in cluster) for row in far]
            for cluster in self.members.values()
        ]
        """Sums of distance times both weights, between each two clusters, and each and itself."""
        rows = beside or [[0] * len(weights)] * len(weights)
        near = [
            [sum(row[member] for member in cluster) for row in rows]
            for cluster in self.members.values()
        ]
        self.beside = [
            [sum(row[member] for member in cluster) for cluster in self.members.values()]
            for row in near
        ]
        """Number of times that pieces of two clusters, or of one and itself, stand beside each
        other."""
        self.neighbours = {name: sum(row) for name, row in enumerate(self.beside)}
        """Number of pieces beside those of a cluster, its own and others'."""

    def join(self, into: int, gone: int) -> None:
        """Make two clusters one, with the name of the first."""
        sums = self.sums
        self.members[into] += self.members.pop(gone)
        self.speech[into] += self.speech.pop(gone)
        self.squares[into] += self.squares.pop(gone)
        for other in self.members:
            sums[into][other] += sums[gone][other]
        sums[into][into] += sums[into][gone] + sums[gone][gone]
        beside = self.beside
        for other in self.members:
            beside[into][other] += beside[gone][other]
        beside[into][into] += beside[into][gone] + beside[gone][gone]
        for other in self.members:
            sums[other][into] = sums[into][other]
            beside[other][into] = beside[into][other]
        self.neighbours[into] += self.neighbours.pop(gone)

    def loss(self, one: int, other: int) -> int:
        """Loss of joining two clusters, as a number to compare.

        It is the square of: the seconds that they lose as two (the product by the sum), times the
        distance between their means to the power of 2.5. The first power, Ward's, splits somebody
        who speaks long in two before it keeps one who speaks little; the third, one who hardly
        speaks before two voices that are alike.
        """
        a, b, sums = self.speech[one], self.speech[other], self.sums
        seconds = a * b // (a + b)
        # Half the mean distance within each, taken from the mean between them, in 1/1024 of a
        # distance.
        apart = 2 * sums[one][other] * a * b - sums[one][one] * b * b - sums[other][other] * a * a
        distance = max(0, 1024 * apart // (2 * a * a * b * b))
        return int(seconds**2 * distance**5)


def join(clusters: Clusters, until: int, may_join: Callable[[int, int], bool]) -> None:
    """Join the two of the least loss, of those that may, again and again: until so many clusters
    are left, or none may join."""

    def losses_of(pairs: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        return {pair: clusters.loss(*pair) for pair in pairs if may_join(*pair)}

    losses = losses_of(combinations(clusters.members, 2))
    while losses and len(clusters.members) > until:
        # The first of equals: the pair with the lowest members.
        into, gone = min(losses, key=lambda pair: (losses[pair], pair))
        clusters.join(into, gone)
        losses = {pair: loss for pair, loss in losses.items() if not {into, gone} & set(pair)}
        losses |= losses_of(
            (min(into, other), max(into, other)) for other in clusters.members if other != into
        )
