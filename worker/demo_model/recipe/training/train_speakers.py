"""Training of the speaker encoder: a SpeakerTdnn from random weights, on one CPU core.

People are told apart by the angle between vectors, with a margin (AAM-softmax), and two windows of
one person are drawn together against the rest of the batch.
"""

import logging
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from worker.demo_model.recipe.architecture import SPEAKER_CONFIG
from worker.demo_model.recipe.model_folder import write_folder
from worker.demo_model.recipe.voices import trials
from worker.demo_model.recipe.voices.corpus import Utterances
from worker.demo_model.recipe.voices.trials import WINDOW, repeated
from worker.demo_model.speaker_tdnn import MEL_BINS, SpeakerTdnn
from worker.speaker_encoder import VECTOR_SIZE

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Schedule:
    """Length and pace of the training; the shares are of all steps."""

    steps: int = 2000
    people: int = 64  # a batch, two windows each
    learning_rate: float = 2e-3  # falls along a cosine to a sixtieth
    warmup: int = 80  # steps
    margin: float = 0.2  # rad; whole after margin_until, none before margin_from
    margin_from: float = 0.12
    margin_until: float = 0.42
    contrast: float = 0.2  # weight of drawing two windows of one person together
    seed: int = 7

    def rate(self, step: int) -> float:
        cosine = 0.015 + 0.985 * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.learning_rate * min(1, (step + 1) / self.warmup) * cosine

    def margin_at(self, step: int) -> float:
        done = step / self.steps - self.margin_from
        return self.margin * min(1, max(0, done / (self.margin_until - self.margin_from)))


def window(frames: Tensor, rng: random.Random) -> Tensor:
    """A window of an utterance as a network hears it, [WINDOW, MEL_BINS]: sometimes of little
    speech, sometimes in noise, sometimes of a telephone."""
    spoken = WINDOW if rng.random() < 0.75 else rng.randint(40, WINDOW)
    first = rng.randint(0, max(0, len(frames) - spoken))
    heard = frames[first : first + spoken].float()
    if rng.random() < 0.35:
        power = heard.exp()
        level = power.mean() * 10 ** (-rng.uniform(3, 25) / 10)
        colour = torch.linspace(rng.uniform(-2, 1), rng.uniform(-2, 2), MEL_BINS).exp()
        power += level * colour / colour.mean() * torch.empty_like(power).exponential_()
        heard = power.log()
    if rng.random() < 0.15:
        highest = rng.randint(52, 66)
        above = heard[:, highest:]
        heard[:, highest:] = above.min() + 0.3 * torch.randn_like(above)
    full = repeated(heard, WINDOW)
    return full - full.mean(dim=0)


class Trainer:
    """Training run over the utterances of known people."""

    def __init__(self, group: Utterances, schedule: Schedule) -> None:
        torch.manual_seed(schedule.seed)
        self._random = random.Random(schedule.seed)
        self._schedule = schedule
        self._of_person: list[list[Tensor]] = [[] for _ in group.voices]
        for frames, speaker in zip(group.frames, group.speakers, strict=True):
            self._of_person[speaker].append(frames)
        self.network = SpeakerTdnn(**SPEAKER_CONFIG["model_conf"])
        for module in self.network.modules():
            if isinstance(module, nn.BatchNorm1d):
                module.momentum = 0.05
        self._people = nn.Parameter(0.05 * torch.randn(len(group.voices), VECTOR_SIZE))

    def run(self) -> None:
        """Train for all steps of the schedule."""
        optimiser = torch.optim.AdamW(
            [
                {"params": self.network.parameters(), "weight_decay": 1e-3},
                {"params": [self._people], "weight_decay": 1e-4},
            ]
        )
        self.network.train()
        began, mean_loss, share_right = time.monotonic(), 0.0, 0.0
        for step in range(self._schedule.steps):
            for group in optimiser.param_groups:
                group["lr"] = self._schedule.rate(step)
            loss, right = self._loss(step)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            optimiser.step()
            mean_loss += (float(loss.detach()) - mean_loss) * max(0.02, 1 / (step + 1))
            share_right += (right - share_right) * max(0.02, 1 / (step + 1))
            if step % 100 == 99:
                spent = time.monotonic() - began
                text = "step %d, %.0f s: loss %.2f, %.0f %% right"
                log.info(text, step + 1, spent, mean_loss, 100 * share_right)
        self.network.eval()

    def _loss(self, step: int) -> tuple[Tensor, float]:
        """Loss of one batch, and the share of its windows that are nearest to their own person."""
        count = min(self._schedule.people, len(self._of_person))
        people = self._random.sample(range(len(self._of_person)), count) * 2
        heard = [
            window(self._random.choice(self._of_person[person]), self._random) for person in people
        ]
        found = functional.normalize(self.network(torch.stack(heard)))
        cosines = found @ functional.normalize(self._people).T
        target = torch.tensor(people)
        is_early = step < 0.2 * self._schedule.steps
        apart = with_margin(cosines, target, self._schedule.margin_at(step))
        loss = functional.cross_entropy((20 if is_early else 30) * apart, target)
        alike = 15 * found[:count] @ found[count:].T
        loss = loss + self._schedule.contrast * functional.cross_entropy(alike, torch.arange(count))
        return loss, float((cosines.argmax(dim=1) == target).float().mean())


def with_margin(cosines: Tensor, people: Tensor, margin: float) -> Tensor:
    """The cosines, each window's own person `margin` radians further off than it is."""
    own = cosines.gather(1, people[:, None]).clamp(-0.999, 0.999)
    return cosines.scatter(1, people[:, None], torch.cos(torch.acos(own) + margin))


def train(groups: Sequence[Utterances], schedule: Schedule, folder: Path) -> dict[str, Any]:
    """Train on the first group, choose the threshold with the second, measure with the third.

    Writes the model folder and returns the figures.
    """
    training, choosing, held_out = groups
    trainer = Trainer(training, schedule)
    trainer.run()
    # As the folder has it: float16.
    network = trainer.network.half().float()
    # Of 3 s, for pieces of speech are compared, which have several windows as often as one.
    rate, cosine = trials.compare_speech(network, choosing, count=3).equal_error_rate()
    config = {**SPEAKER_CONFIG, "same_voice_cosine": cosine}
    write_folder(folder, config, network.state_dict())
    return {
        "same_voice_cosine": cosine,
        "equal_error_percent_choosing": rate,
        "equal_error_percent": trials.measure(network, held_out),
        "people": {
            "training": len(training.voices),
            "choosing": len(choosing.voices),
            "held_out": len(held_out.voices),
        },
    }
