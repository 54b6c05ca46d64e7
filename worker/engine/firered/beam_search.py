"""Beam search over a decoder, for all spans of a batch at once.

A span's hypotheses compete with each other alone, and how many tokens it may have follows from its
own length; so its text does not depend on the others.  Scores are sums of logarithms, divided at
the end by a penalty of the length (Wu et al. 2016), as FireRedASR's authors do it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from worker.engine.device import fetched, uploaded_numbers
from worker.engine.firered.decoder import Decoder, Memory

_NEVER = -1e10
"""The score of what is not to win; not infinite, so that sums of it stay numbers."""


@dataclass(frozen=True, slots=True)
class BeamOptions:
    """The defaults are those that FireRedASR2's authors publish for it."""

    beams: int = 3
    softmax_smoothing: float = 1.25
    """Divisor of the scores before they become probabilities."""
    length_penalty: float = 0.6


@dataclass(frozen=True, slots=True)
class Marks:
    """The numbers of the tokens that begin and end a text."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """The best text of a span."""

    tokens: tuple[int, ...]
    """Tokens without the marks."""
    probabilities: tuple[float, ...]
    """Probability of each token after those before it, smoothed."""
    is_ended: bool
    """False if it was still going on where it had as many tokens as it may have."""


@torch.inference_mode()
def beam_search(
    decoder: Decoder,
    memory: Memory,
    caps: Sequence[int],
    marks: Marks,
    options: BeamOptions,
) -> list[Hypothesis]:
    """The best hypothesis of each span, which has at most as many tokens as its cap, at least 1."""
    search = _Search(decoder, memory, caps, marks, options)
    found: dict[int, Hypothesis] = {}
    spans = list(range(len(caps)))
    for place in range(max(caps)):
        search.step(place)
        done = search.settled()
        if 2 * sum(done) < len(done) and place + 1 < max(caps):
            continue
        # With half of the spans done the others go on by themselves, in half the room and time.
        best = search.best()
        found |= {span: best[i] for i, span in enumerate(spans) if done[i]}
        going_on = [i for i, is_done in enumerate(done) if not is_done]
        if not going_on:
            break
        if place + 1 == max(caps):
            found |= {spans[i]: best[i] for i in going_on}
            break
        search.keep(going_on)
        spans = [spans[i] for i in going_on]
    return [found[span] for span in range(len(caps))]


class _Search:
    def __init__(
        self,
        decoder: Decoder,
        memory: Memory,
        caps: Sequence[int],
        marks: Marks,
        options: BeamOptions,
    ) -> None:
        self._decoder, self._memory = decoder, memory
        self._marks, self._options = marks, options
        device = memory.positions.device
        self._caps = uploaded_numbers([list(caps)], device)[0]
        spans, beams = len(caps), options.beams
        self._first_rows = torch.arange(spans, device=device)[:, None] * beams
        self._last = torch.full((spans * beams,), marks.begin, device=device)
        self._scores = torch.zeros(spans, beams, device=device)
        self._scores[:, 1:] = _NEVER  # at first they all are the same hypothesis
        self._ended = torch.zeros(spans, beams, dtype=torch.bool, device=device)
        self._lengths = torch.zeros(spans, beams, dtype=torch.long, device=device)
        self._history: list[tuple[Tensor, Tensor, Tensor]] = []
        """History of each step: which hypothesis was continued, by what, and how probable that
        was."""

    def step(self, place: int) -> None:
        """Add a token to every hypothesis that is still going on, and keep the best of each
        span."""
        beams = self._options.beams
        raw = self._decoder.step(self._last, self._memory)
        likely = torch.log_softmax(raw / self._options.softmax_smoothing, dim=-1)
        gains, tokens = (each.unflatten(0, (-1, beams)) for each in likely.topk(beams))
        stands = (self._ended | (place >= self._caps[:, None]))[..., None]
        # What has ended goes on as it is, in one way only.
        only = torch.full_like(gains, _NEVER)
        only[..., 0] = 0.0
        gains = torch.where(stands, only, gains)
        tokens = torch.where(stands, self._marks.end, tokens)
        totals = (self._scores[..., None] + gains).flatten(1)
        self._scores, chosen = totals.topk(beams)
        parents = chosen // beams
        token = tokens.flatten(1).gather(1, chosen)
        self._history.append((parents, token, gains.flatten(1).gather(1, chosen).exp()))
        self._ended = token == self._marks.end
        self._lengths = self._lengths.gather(1, parents) + ~self._ended
        self._memory.follow((self._first_rows + parents).flatten())
        self._last = token.flatten()

    def settled(self) -> list[bool]:
        """Return for each span whether no further token could change its best hypothesis.

        Scores only fall.  One that has ended stays best if none that goes on has a better sum now,
        which could push it out, nor could have a better quotient if it were as long as it may be.
        """
        going_on = ~self._ended
        penalised = self._penalised(self._scores, self._lengths)
        best, index = penalised.masked_fill(going_on, 2 * _NEVER).max(dim=1)
        sums = self._scores.masked_fill(self._ended, 2 * _NEVER)
        could_be = self._penalised(sums.amax(dim=1), self._caps)
        is_best = self._scores.gather(1, index[:, None])[:, 0] >= sums.amax(dim=1)
        settled: list[bool] = (~going_on.any(dim=1) | (is_best & (best >= could_be))).tolist()
        return settled

    def keep(self, spans: Sequence[int]) -> None:
        """Go on with these spans alone."""
        beams = self._options.beams
        (chosen,) = uploaded_numbers([list(spans)], self._scores.device)
        rows = (self._first_rows[chosen] + torch.arange(beams, device=chosen.device)).flatten()
        self._memory.keep(chosen, rows)
        self._caps, self._scores = self._caps[chosen], self._scores[chosen]
        self._ended, self._lengths = self._ended[chosen], self._lengths[chosen]
        self._last = self._last[rows]
        self._first_rows = self._first_rows[: len(spans)]
        self._history = [
            (parents[chosen], tokens[chosen], probable[chosen])
            for parents, tokens, probable in self._history
        ]

    def best(self) -> list[Hypothesis]:
        winner = self._penalised(self._scores, self._lengths).argmax(dim=1)
        spans, beams = self._scores.shape
        parents, tokens, probable, winners, caps = fetched(
            torch.stack([step[0] for step in self._history]),
            torch.stack([step[1] for step in self._history]),
            torch.stack([step[2] for step in self._history]),
            winner,
            self._caps,
        )
        results = []
        for span in range(spans):
            row = int(winners[span])
            said: list[tuple[int, float]] = []
            for step in reversed(range(len(self._history))):
                at = (step * spans + span) * beams + row
                if tokens[at] != self._marks.end:
                    said.append((int(tokens[at]), probable[at]))
                row = int(parents[at])
            said.reverse()
            results.append(
                Hypothesis(
                    tuple(token for token, _ in said),
                    tuple(probability for _, probability in said),
                    is_ended=len(said) < int(caps[span]),
                )
            )
        return results

    def _penalised(self, scores: Tensor, lengths: Tensor) -> Tensor:
        """The mark at the beginning counts as a token."""
        return scores / ((6 + lengths) / 6).pow(self._options.length_penalty)
