"""Utterances as padded tensors, for the training of the recogniser."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from worker.demo_model.recipe.architecture import ASR_FRONTEND
from worker.demo_model.recipe.speech.corpus import Shard
from worker.demo_model.recipe.training.targets import UPSAMPLING, fire_counts, token_counts

IGNORED = -1  # label of padding
_CHUNK = 1000  # utterances sorted by length together


@dataclass(frozen=True)
class Batch:
    """Padded utterances. B utterances, T frames and U tokens in the longest."""

    speech: torch.Tensor  # [B, T, 560], normalised
    frames: torch.Tensor  # [B]
    labels: torch.Tensor  # [B, U], IGNORED where padded
    tokens: torch.Tensor  # [B]
    token_counts: torch.Tensor  # [B, T]
    fire_counts: torch.Tensor  # [B, 3 T]


class Minibatches:
    """Batches without end, from a pool that is shuffled anew each time it has been gone through.

    budget: padded frames in a batch; when it is changed, the pool is shuffled and packed again.
    """

    def __init__(self, pool: Shard, budget: int, rng: random.Random) -> None:
        self.budget = budget
        self._pool, self._random = pool, rng
        sample = torch.cat([item[0].float() for item in pool[:2000] if len(item[1])])
        self.mean, self.deviation = sample.mean(0), sample.std(0)

    def __iter__(self) -> Iterator[Batch]:
        while True:
            budget = self.budget
            for rows in self._packed(budget):
                yield self._collate([self._pool[row] for row in rows])
                if self.budget != budget:
                    break

    def _packed(self, budget: int) -> list[list[int]]:
        """Indices into the pool, those of utterances of like length together."""
        order = list(range(len(self._pool)))
        self._random.shuffle(order)
        batches: list[list[int]] = []
        for first in range(0, len(order), _CHUNK):
            rows: list[int] = []
            for row in sorted(order[first : first + _CHUNK], key=lambda i: len(self._pool[i][0])):
                if rows and (len(rows) + 1) * len(self._pool[row][0]) > budget:
                    batches.append(rows)
                    rows = []
                rows.append(row)
            batches.append(rows)
        self._random.shuffle(batches)
        return batches

    def _collate(self, items: Shard) -> Batch:
        longest = max(len(item[0]) for item in items)
        speech = torch.zeros(len(items), longest, items[0][0].shape[1])
        labels = torch.full((len(items), max(len(item[1]) for item in items)), IGNORED)
        tokens_by = torch.zeros(len(items), longest)
        fires_by = torch.zeros(len(items), UPSAMPLING * longest)
        for row, (features, ids, starts, ends, _) in enumerate(items):
            frames = len(features)
            normal = (features.float() - self.mean) / self.deviation
            speech[row, :frames] = self._masked(normal)
            labels[row, : len(ids)] = ids
            times = (frames, starts.tolist(), ends.tolist())
            tokens_by[row, :frames] = torch.from_numpy(token_counts(*times))
            fires_by[row, : UPSAMPLING * frames] = torch.from_numpy(fire_counts(*times))
        return Batch(
            speech,
            torch.tensor([len(item[0]) for item in items]),
            labels,
            torch.tensor([len(item[1]) for item in items]),
            tokens_by,
            fires_by,
        )

    def _masked(self, features: torch.Tensor) -> torch.Tensor:
        """SpecAugment: blank a band of up to 12 mel bins, and a stretch of up to 180 ms."""
        frames, mels = len(features), ASR_FRONTEND["n_mels"]
        if self._random.random() < 0.5:
            width = self._random.randint(1, 12)
            low = self._random.randint(0, mels - width)
            features.view(frames, -1, mels)[:, :, low : low + width] = 0
        if self._random.random() < 0.3 and frames > 20:
            width = self._random.randint(1, 3)
            first = self._random.randint(0, frames - width)
            features[first : first + width] = 0
        return features
