"""Punctuation of whole recordings, against FunASR's own where that is bounded."""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from tests.support.speech import speech_models
from worker.engine.loading.build import LoadedNetwork
from worker.engine.punctuation.ct_transformer import LONGEST_CONTEXT_TOKENS, Punctuator
from worker.recogniser import EMPTY_REQUEST

MARKS = ["<unk>", "_", "，", "。", "？", "、"]
NOTHING, COMMA, STOP = 1, 2, 3
CPU = torch.device("cpu")


def stock_text(words: Sequence[str]) -> str:
    model = speech_models.stock()
    (result,) = model.inference(" ".join(words), model=model.punc_model, kwargs=model.punc_kwargs)
    return str(result["text"]).replace(" ", "").lower()


def our_text(words: Sequence[str]) -> str:
    marks = speech_models.recogniser().punctuate(words)
    return "".join(word + mark for word, mark in zip(words, marks, strict=True)).lower()


@functools.cache
def said() -> tuple[str, ...]:
    """Words of the sample meeting, without its marks."""
    pcm = speech_models.excerpt(0, 90)
    detector = speech_models.recogniser().voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    results = speech_models.recogniser().recognise(
        [pcm[span.start : span.end] for span in spans], EMPTY_REQUEST
    )
    return tuple(word.word for said in results for word in said.words)


@pytest.mark.parametrize("count", [1, 2, 3, 19, 20, 21, 40, 150])
def test_marks_equal_funasr(count: int) -> None:
    words = said()[:count]
    assert our_text(words) == stock_text(words)


@pytest.mark.parametrize("seed", range(3))
def test_marks_of_nonsense_equal_funasr(seed: int) -> None:
    words = list(said())
    random.Random(seed).shuffle(words)
    assert our_text(words) == stock_text(words)


def test_marks_of_a_long_text_equal_funasr() -> None:
    words = [word for seed in range(12) for word in random.Random(seed).sample(said(), 150)]
    assert our_text(words) == stock_text(words)


def test_ascii_marks_follow_english_words() -> None:
    words = [*said()[:8], "API"]
    assert speech_models.recogniser().punctuate(words)[-1] in (".", "?")


# --- rules that only a network of our own can show ------------------------------------------------


class Decided(SimpleNamespace):
    """In a CT-Transformer's place: decides each token's mark from its id, counts its work."""

    punc_list = MARKS
    sentence_end_id = STOP
    jieba_usr_dict: Any = None

    def modules(self) -> list[torch.nn.Module]:
        return []

    def punc_forward(self, text: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, None]:
        assert text.shape[1] == int(lengths.max())
        self.longest = max(self.longest, text.shape[1])
        return torch.nn.functional.one_hot(text, len(MARKS)).float(), None


def punctuator(**attributes: Any) -> tuple[Punctuator, Decided]:
    """Token 'n' gets no mark, ',' a comma and '.' a full stop."""
    model = Decided(longest=0, **attributes)
    tokens = ["<unk>", "无", "逗", "句", "问", "顿"]
    network = LoadedNetwork(model, cmvn=None, frame_width=0, frame_step=0, token_list=tokens)
    return Punctuator(network, CPU), model


def test_a_text_without_any_mark_is_read_within_bounds() -> None:
    reader, model = punctuator()
    marks = reader.punctuate(["无"] * 5_000)
    assert marks == [""] * 4_999 + ["。"]
    assert model.longest <= LONGEST_CONTEXT_TOKENS + 20


def test_a_sentence_of_more_than_two_hundred_tokens_ends_at_its_last_comma() -> None:
    reader, model = punctuator()
    words = ["无"] * 190 + ["逗"] + ["无"] * 100
    marks = reader.punctuate(words)
    assert marks[190] == "。"
    assert model.longest <= 220


def test_an_unknown_mark_is_no_mark() -> None:
    reader, _ = punctuator()
    assert reader.punctuate(["没见过", "句"]) == ["", "。"]


def test_a_word_takes_the_mark_of_its_last_character() -> None:
    reader, _ = punctuator()
    assert reader.punctuate(["句逗", "无逗", "无"]) == ["，", "，", "。"]


def test_a_last_comma_becomes_a_full_stop() -> None:
    reader, _ = punctuator()
    assert reader.punctuate(["无", "逗"]) == ["", "。"]


def test_a_question_at_the_end_stays_one() -> None:
    reader, _ = punctuator()
    assert reader.punctuate(["无", "问"]) == ["", "？"]


def test_where_jieba_joins_characters_the_mark_follows_the_last_of_them() -> None:
    class Jieba:
        @staticmethod
        def cut(text: str, HMM: bool) -> list[str]:  # noqa: N803
            assert not HMM
            return ["无无", "逗"] if text == "无无逗" else ["句"]

    reader, _ = punctuator(jieba_usr_dict=Jieba)
    marks = reader.punctuate(["无", "无", "逗", "ok", "句"])
    assert marks == ["", "", "，", "", "。"]
