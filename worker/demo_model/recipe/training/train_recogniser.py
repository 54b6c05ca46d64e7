"""Training of the recogniser: a BiCifParaformer from random weights, on one CPU core."""

import logging
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from funasr.models.paraformer.cif_predictor import cif_v1
from funasr.models.transformer.utils.add_sos_eos import add_sos_eos
from funasr.models.transformer.utils.nets_utils import make_pad_mask
from torch.nn import functional

from worker.demo_model.recipe.architecture import ASR_CONFIG, build_recogniser
from worker.demo_model.recipe.language.grammar import VOCABULARY
from worker.demo_model.recipe.model_folder import write_folder
from worker.demo_model.recipe.speech.corpus import Shard
from worker.demo_model.recipe.training.minibatches import IGNORED, Batch, Minibatches
from worker.demo_model.recipe.training.targets import UPSAMPLING

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """Length and pace of the training; the shares are of all steps."""

    steps: int = 5000
    frames: int = 2000  # padded 60 ms frames a batch, two minutes of audio
    learning_rate: float = 1.5e-3
    warmup: int = 200  # steps
    plateau: float = 0.3  # then the rate falls along a cosine to a fiftieth
    small_batches: float = 0.35  # until then half the frames: alignment wants steps, not averages
    sampler_from: float = 0.3  # then Paraformer's glancing sampler joins; earlier it would guess
    seed: int = 0

    def budget(self, step: int) -> int:
        return self.frames // 2 if step / self.steps < self.small_batches else self.frames

    def rate(self, step: int) -> float:
        done = step / self.steps
        fall = max(0.0, (done - self.plateau) / (1 - self.plateau))
        cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * fall))
        return self.learning_rate * min(1, (step + 1) / self.warmup) * cosine


class Trainer:
    """Training run over a pool of utterances."""

    def __init__(self, pool: Shard, schedule: Schedule) -> None:
        torch.manual_seed(schedule.seed)
        self._random = random.Random(schedule.seed)
        self._schedule = schedule
        self.minibatches = Minibatches(pool, schedule.budget(0), self._random)
        self.model = build_recogniser()
        width = ASR_CONFIG["encoder_conf"]["output_size"]
        # Classifies the integrated embeddings directly, which pulls the alignment into place in the
        # first minutes; the finished model does without it.
        self._shortcut = torch.nn.Linear(width, len(VOCABULARY))
        self._step = 0

    def run(self, pause_every: int) -> Iterator[int]:
        """Train for all steps of the schedule; hand over each so many steps, and at the end."""
        parameters = [*self.model.parameters(), *self._shortcut.parameters()]
        optimiser = torch.optim.AdamW(parameters, betas=(0.9, 0.98), weight_decay=0.01)
        self.model.train()
        began = time.monotonic()
        mean_losses: dict[str, float] = {}
        for step, batch in enumerate(islice(self.minibatches, self._schedule.steps)):
            self._step = step
            self.minibatches.budget = self._schedule.budget(step)
            for group in optimiser.param_groups:
                group["lr"] = self._schedule.rate(step)
            losses = self._losses(batch)
            optimiser.zero_grad()
            sum(losses.values(), torch.zeros(())).backward()
            norm = torch.nn.utils.clip_grad_norm_(parameters, 5.0)
            if torch.isfinite(norm):
                optimiser.step()
            for name, loss in losses.items():
                mean_losses[name] = 0.95 * mean_losses.get(name, loss.item()) + 0.05 * loss.item()
            if (step + 1) % 100 == 0:
                shown = " ".join(f"{name} {value:.3f}" for name, value in mean_losses.items())
                log.info("%5.0f s, step %d: %s", time.monotonic() - began, step + 1, shown)
            if (step + 1) % pause_every == 0 or step + 1 == self._schedule.steps:
                yield step + 1

    @property
    def _done(self) -> float:
        return self._step / self._schedule.steps

    def _losses(self, batch: Batch) -> dict[str, torch.Tensor]:
        """Weighted losses by name. FunASR's own forward() has no place for known alignments, so
        this goes through the model's parts."""
        model, predictor = self.model, self.model.predictor
        hidden, lengths = model.encode(batch.speech, batch.frames)
        mask = (~make_pad_mask(lengths, maxlen=hidden.size(1))).float()
        _, labels = add_sos_eos(batch.labels, model.sos, model.eos, IGNORED)
        counts = batch.tokens + 1  # and the end symbol

        conv = torch.relu(predictor.cif_conv1d(predictor.pad(hidden.transpose(1, 2))))
        weights = torch.sigmoid(predictor.cif_output(conv.transpose(1, 2))).squeeze(-1) * mask
        total = weights.sum(-1)
        losses = {
            "count": model.criterion_pre(counts.float(), total),
            "align": ((weights.cumsum(1) - batch.token_counts).abs() * mask).sum() / mask.sum(),
        }
        if self._step % 4 == 0:  # as expensive as the encoder: three times its frames
            losses |= self._timestamp_losses(hidden, mask, counts, batch.fire_counts)

        # Fires as often as there are labels; a hair more, lest rounding lose the last one.
        scaled = weights * ((counts + 1e-3) / total)[:, None]
        embeddings, _ = cif_v1(hidden, scaled, predictor.threshold)
        missing = max(0, labels.size(1) - embeddings.size(1))  # rounding may lose the last fire
        embeddings = functional.pad(embeddings, (0, 0, 0, missing))[:, : labels.size(1)]
        direct = self._shortcut(embeddings).transpose(1, 2)
        share = 0.5 if self._done < 0.5 else 0.2
        losses["shortcut"] = share * functional.cross_entropy(direct, labels, ignore_index=IGNORED)

        if self._done > self._schedule.sampler_from and self._random.random() < 0.5:
            embeddings, _ = model.sampler(hidden, lengths, labels, counts, embeddings)
        decoded = model.decoder(hidden, lengths, embeddings, counts)[0]
        losses["token"] = model.criterion_att(decoded, labels)
        return losses

    def _timestamp_losses(
        self, hidden: torch.Tensor, mask: torch.Tensor, counts: torch.Tensor, fires: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        predictor = self.model.predictor
        upsampled = predictor.upsample_cnn(hidden.transpose(1, 2)).transpose(1, 2)
        raised, _ = predictor.blstm(upsampled)
        mask = mask.repeat_interleave(UPSAMPLING, dim=1)
        weights = torch.sigmoid(predictor.cif_output2(raised)) * predictor.smooth_factor2
        weights = torch.relu(weights - predictor.noise_threshold2).squeeze(-1) * mask
        return {
            "fires": 0.5 * self.model.criterion_pre(counts.float(), weights.sum(-1)),
            "times": ((weights.cumsum(1) - fires).abs() * mask).sum() / mask.sum(),
        }


def train(pool: Shard, schedule: Schedule, folder: Path) -> None:
    """Train the recogniser and write its model folder, now and then a half-trained one too: an hour
    is long to wait for a first look."""
    trainer = Trainer(pool, schedule)
    for _ in trainer.run(pause_every=500):
        write_folder(
            folder,
            ASR_CONFIG,
            trainer.model.state_dict(),
            tokens=VOCABULARY,
            mean=trainer.minibatches.mean.numpy(),
            deviation=trainer.minibatches.deviation.numpy(),
        )
