"""Times by CTC: the likeliest way to spread the tokens, and how long each is said to last."""

from __future__ import annotations

import importlib
import itertools

import numpy as np
import pytest
import torch

from worker.engine.firered.ctc_alignment import align
from worker.engine.loading.funasr_modules import register_classes


def likeliest_starts(tokens: list[int], scores: np.ndarray) -> list[int]:
    """The first frame of each token, by trying every label for every frame."""

    def spelt(labels: tuple[int, ...]) -> list[int]:
        return [label for label, _ in itertools.groupby(labels) if label]

    ways = itertools.product(sorted({0, *tokens}), repeat=len(scores))
    best = max(
        (way for way in ways if spelt(way) == tokens),
        key=lambda way: sum(scores[frame, label] for frame, label in enumerate(way)),
    )
    starts, frame = [], 0
    for label, run in itertools.groupby(best):
        if label:
            starts.append(frame)
        frame += len(list(run))
    return starts


def of_span(tokens: list[int], scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return scores[:, tokens], scores[:, 0]


@pytest.mark.parametrize("tokens", [[1], [1, 2], [1, 1], [2, 1, 2], [1, 2, 2]])
def test_tokens_begin_where_the_likeliest_way_has_them(tokens: list[int]) -> None:
    for seed in range(12):
        scores = np.random.default_rng(seed).normal(0, 2, (6, 3)).astype(np.float32)
        labels, blank = of_span(tokens, scores)
        (times,) = align([tokens], labels[None], blank[None], [6])
        expected = [max(0, 40 * start - 20) for start in likeliest_starts(tokens, scores)]
        assert [start for start, _ in times] == expected


def test_a_long_span_is_aligned_as_funasr_aligns() -> None:
    module = "funasr.models.sense_voice.utils.ctc_alignment"
    register_classes([module])
    ctc_forced_align = importlib.import_module(module).ctc_forced_align
    random = np.random.default_rng(3)
    tokens = [int(token) for token in random.integers(1, 30, 60)]
    scores = random.normal(0, 3, (400, 30)).astype(np.float32)
    labels, blank = of_span(tokens, scores)
    (times,) = align([tokens], labels[None], blank[None], [400])
    path = ctc_forced_align(
        torch.from_numpy(scores).log_softmax(-1)[None],
        torch.tensor([tokens]),
        torch.tensor([400]),
        torch.tensor([60]),
    )[0].tolist()
    runs, frame = [], 0
    for label, run in itertools.groupby(path):
        if label:
            runs.append(frame)
        frame += len(list(run))
    assert [start for start, _ in times] == [max(0, 40 * first - 20) for first in runs]


def test_spans_beside_each_other_change_nothing() -> None:
    random = np.random.default_rng(5)
    tokens = [[1, 2, 3], [4], [], [2, 2, 5, 1, 3]]
    lengths = [9, 4, 3, 14]
    scores = random.normal(0, 2, (4, 14, 5)).astype(np.float32)
    blank = random.normal(0, 2, (4, 14)).astype(np.float32)
    together = align(tokens, scores, blank, lengths)
    for i, (said, length) in enumerate(zip(tokens, lengths, strict=True)):
        alone = align(
            [said], scores[i : i + 1, :length, : len(said)], blank[i : i + 1, :length], [length]
        )
        assert alone == [together[i]]
    assert together[2] == []


def test_a_token_lasts_until_the_next_and_not_through_a_long_pause() -> None:
    frames = 50
    blank = np.zeros((1, frames), np.float32)
    scores = np.full((1, frames, 4), -9.0, np.float32)
    for token, frame in enumerate((5, 10, 15, 20)):
        scores[0, frame, token] = 9.0
    (times,) = align([[1, 2, 3, 4]], scores, blank, [frames])
    assert [start for start, _ in times] == [180, 380, 580, 780]
    assert [end for _, end in times[:3]] == [380, 580, 780]
    average = (frames * 40 - 35 - 180) / 4
    assert times[3][1] < frames * 40 - 35
    assert times[3][1] == round(780 + 1.5 * average)


def test_more_tokens_than_frames_are_spread_evenly() -> None:
    scores = np.zeros((1, 3, 4), np.float32)
    (times,) = align([[1, 1, 1, 1]], scores, scores[..., 0], [3])
    assert times == [(0, 30), (30, 60), (60, 90), (90, 120)]
