"""A SenseVoice of random weights that behaves: its tags where they belong, four tokens a second."""

from __future__ import annotations

import io
import itertools
from collections.abc import Sequence
from typing import Any

import sentencepiece
import torch
from torch import Tensor

from worker.engine.sensevoice.rich_tags import LANGUAGES, QUERIES, language_tag

_TAGS = (
    *map(language_tag, LANGUAGES),
    "<|nospeech|>",
    "<|NEUTRAL|>",
    "<|HAPPY|>",
    "<|EMO_UNKNOWN|>",
    "<|Speech|>",
    "<|BGM|>",
    "<|withitn|>",
    "<|woitn|>",
)

_TRAINED_PIECES = 180
"""Pieces of the vocabulary that are trained; the rest are Chinese characters, one a piece."""

_SENTENCES = (
    "我们今天讨论网关的接口，下周再看结果。",
    "the gateway returned an error, and we restarted the gateway again.",
    "don't worry: 85,000 requests took 3.5 seconds, or 10:30 by the clock.",
    "今日は会議を始めます。よろしくお願いします。",
    "오늘 회의를 시작하겠습니다. 안녕하세요 여러분.",
)

_TAG_LOGIT = 40.0
"""Logit of a tag where it belongs, and below zero elsewhere; other scores deviate by `_SPREAD`."""

_SPREAD = 4.0

_SPOKEN_FRAMES = 0.3
"""Frames that carry a token: four tokens a second of one or two frames of 60 ms each."""

_WINDOW_FRAMES, _WINDOW_STEP = 24, 3
"""Frames and step of the windows of speech that queries are heard before."""

_ENOUGH_FRAMES = 2_000
"""Frames that the blank's bias is chosen by; of a vocabulary of 25,055 their scores take 200 MB."""


def train_pieces(vocabulary: int, characters: Sequence[str]) -> bytes:
    """A SentencePiece model of so many pieces: SenseVoice's tags, pieces of words of its languages,
    and of the `characters` as many as have room.

    As in SenseVoice's own nothing stands before the first word, and 0 is <unk>, which serves as
    CTC's blank.
    """
    room = vocabulary - _TRAINED_PIECES - len(_TAGS) - 3
    if room < 0:
        raise ValueError(f"a vocabulary of {vocabulary} has no room for SenseVoice's tags")
    known = set("".join(_SENTENCES))
    own = [character for character in characters if character not in known][:room]
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_SENTENCES * 20),
        model_writer=written,
        model_type="bpe",
        vocab_size=len(own) + _TRAINED_PIECES + len(_TAGS) + 3,
        user_defined_symbols=[*_TAGS, *own],
        character_coverage=1.0,
        add_dummy_prefix=False,
        normalization_rule_name="identity",
        num_threads=1,
        minloglevel=2,
    )
    return written.getvalue()


@torch.no_grad()
def fit_labels(model: Any, features: Tensor, pieces: Sequence[str]) -> None:
    """Fit the output layer so that the queries are answered by tags, and the rest by few tokens.

    `features`: (T, feature_dim) of ordinary speech.  Asked for no language it answers with any.
    """
    layer = model.ctc.ctc_lo
    hidden, answers = _answered(model, features)
    is_answer = torch.tensor([bool(answer) for answer in answers])
    layer.bias.zero_()
    excerpt = hidden[~is_answer][:_ENOUGH_FRAMES]
    layer.weight.mul_(_SPREAD / (excerpt @ layer.weight.T).std())
    used = [tag for tag in _TAGS if any(tag in answer for answer in answers)]
    # The last: not to be answered by anything but a tag.
    targets = torch.tensor(
        [[*(1.0 if tag in answer else -1.0 for tag in used), -float(bool(answer))]
         for answer in answers]
    ).double()  # fmt: skip
    weights = torch.where(is_answer, 5.0, 1.0)[:, None].double()
    inputs = torch.cat([hidden, torch.ones(len(hidden), 1)], dim=1).double()
    normal = inputs.T @ (weights * inputs) + 1e-2 * torch.eye(inputs.shape[1])
    solved = torch.linalg.solve(normal, inputs.T @ (weights * targets)).float() * _TAG_LOGIT
    layer.weight += solved[:-1, -1]
    layer.bias += solved[-1, -1]
    numbers = [pieces.index(tag) for tag in used]
    layer.weight[numbers] = solved[:-1, :-1].T
    layer.bias[numbers] = solved[-1, :-1]
    scores = layer(excerpt)
    blank = scores[:, model.blank_id].clone()
    scores[:, model.blank_id] = -torch.inf
    # A frame is blank where the blank's score lies above the best other one.
    margins = scores.amax(dim=1) - blank
    layer.bias[model.blank_id] += torch.quantile(margins, 1 - _SPOKEN_FRAMES)


def _answered(model: Any, features: Tensor) -> tuple[Tensor, list[Sequence[str]]]:
    """(rows, width) of what the encoder makes of speech behind one set of queries after the other,
    and the tags of which one is to answer each row, () for the rows of the speech."""
    asked = itertools.cycle(itertools.product(("auto", *LANGUAGES), ("withitn", "woitn")))
    rows: list[Tensor] = []
    answers: list[Sequence[str]] = []
    for window in features.unfold(0, _WINDOW_FRAMES, _WINDOW_STEP).transpose(1, 2):
        language, written = next(asked)
        numbers = [model.lid_dict[language], 1, 2, model.textnorm_dict[written]]
        given = torch.cat([model.embed(torch.tensor([numbers])), window[None]], dim=1)
        hidden, _ = model.encoder(given, torch.tensor([given.shape[1]]))
        rows.append(hidden[0])
        heard = LANGUAGES if language == "auto" else (language,)
        answers += [tuple(map(language_tag, heard)), ("<|NEUTRAL|>",), ("<|Speech|>",)]
        answers += [(f"<|{written}|>",), *[()] * (len(hidden[0]) - QUERIES)]
    return torch.cat(rows), answers
