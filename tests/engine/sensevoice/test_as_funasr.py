"""SenseVoice gives what FunASR's own inference gives of a span by itself, but for FunASR's errors.

The weights are random, so the text means nothing; its tags stand where SenseVoice's stand.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch

from tests.support.speech import sensevoice_models, speech_models
from worker.engine.networks.heard_token import HeardToken
from worker.engine.sensevoice import network as network_module
from worker.engine.sensevoice.ctc_alignment import heard_tokens
from worker.recogniser import Pcm, RecognitionRequest

TAGS = re.compile(r"<\|[^|]*\|>")
SPOKEN = "▁"

Milliseconds = tuple[str, int, int]


def stock_inference(pcm: Pcm, **asked: Any) -> dict[str, Any]:
    """FunASR's result for a span: 'text', and with output_timestamp 'words' and 'timestamp'."""
    model = sensevoice_models.stock()
    model._reset_runtime_configs()
    with torch.no_grad():
        results, _ = model.model.inference(
            [speech_models.floats(pcm)], key=["span"], **{**model.kwargs, **asked}
        )
    return dict(results[0])


def spans(seconds: float, count: int) -> list[Pcm]:
    return [speech_models.excerpt(2 + i * seconds, 2 + (i + 1) * seconds) for i in range(count)]


@pytest.mark.parametrize("language", [None, "zh", "en", "yue", "ja", "ko"])
def test_text_and_language_equal_funasr(language: str | None) -> None:
    network = sensevoice_models.network()
    spoken = spans(6.0, 4)
    found = network.recognise(spoken, RecognitionRequest(language=language))
    for pcm, said in zip(spoken, found, strict=True):
        text = stock_inference(pcm, language=language or "auto", use_itn=True)["text"]
        told, *_, written = TAGS.findall(text)[:4]
        assert written == "<|withitn|>"
        assert told == f"<|{said.language}|>"
        assert language in (None, said.language)
        plain = re.sub(r"\s", "", TAGS.sub("", text))
        assert "".join(word.word for word in said.words) == plain.lstrip("，。,.:")
        assert len(said.words) > 5


def test_each_span_has_the_language_that_is_heard_in_it() -> None:
    found = sensevoice_models.network().recognise(spans(4.0, 5))
    assert len({said.language for said in found}) > 1


def test_without_itn_text_equals_funasr_and_no_marks_are_promised() -> None:
    network = sensevoice_models.without_itn()
    assert not network.punctuates
    assert sensevoice_models.network().punctuates
    (pcm,) = spans(6.0, 1)
    (said,) = network.recognise([pcm])
    text = stock_inference(pcm, language="auto", use_itn=False)["text"]
    assert TAGS.findall(text)[3] == "<|woitn|>"
    plain = re.sub(r"\s", "", TAGS.sub("", text))
    assert "".join(word.word for word in said.words) == plain.lstrip("，。,.:")


class AsHeard:
    """FunASR's tokenizer, but giving back the pieces that were heard in place of those that it
    cuts the text into."""

    def __init__(self, tokenizer: Any) -> None:
        self._model = tokenizer.sp
        self._heard: list[int] = []

    def decode(self, numbers: list[int]) -> str:
        self._heard = numbers
        return str(self._model.decode_ids(numbers))

    def text2tokens(self, text: str) -> list[str]:
        return [self._model.id_to_piece(number) for number in self._heard]

    def tokens2ids(self, tokens: list[str]) -> list[list[int]]:
        return [[self._model.piece_to_id(token)] for token in tokens]


def test_the_time_of_every_token_equals_funasrs_forced_alignment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ours: list[list[HeardToken]] = []

    def noted(*arguments: Any) -> list[HeardToken]:
        ours.append(heard_tokens(*arguments))
        return ours[-1]

    monkeypatch.setattr(network_module, "heard_tokens", noted)
    network = sensevoice_models.network()
    spoken = spans(7.0, 5)
    network.recognise(spoken)
    model = sensevoice_models.stock()
    monkeypatch.setattr(model.model, "post", lambda stamps: (stamps, []))
    aligner = AsHeard(model.kwargs["tokenizer"])
    for pcm, heard in zip(spoken, ours, strict=True):
        stamps = stock_inference(pcm, use_itn=True, output_timestamp=True, tokenizer=aligner)
        expected = [
            (piece, round(start * 1000), round(end * 1000))
            for piece, start, end in stamps["timestamp"]
        ]
        pieces = network._pieces
        assert [(pieces[t.token], t.start_ms, t.end_ms) for t in heard] == expected
        assert len(heard) > 10


def test_words_and_times_equal_funasr_where_it_cuts_the_text_as_it_was_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of the spans with letters and ideographs alone: FunASR makes words of marks and digits."""
    network = sensevoice_models.network()
    pieces = network._pieces
    heard: list[list[str]] = []

    def noted(*arguments: Any) -> list[HeardToken]:
        tokens = heard_tokens(*arguments)
        heard.append([pieces[token.token] for token in tokens])
        return tokens

    monkeypatch.setattr(network_module, "heard_tokens", noted)
    tokenizer = sensevoice_models.stock().kwargs["tokenizer"]
    compared = 0
    spoken = spans(0.7, 80)
    for pcm, said in zip(spoken, network.recognise(spoken), strict=True):
        of_span = heard.pop(0)
        if not of_span or not all(re.fullmatch("▁?[a-z]+|[\u3040-\u9fff]+", p) for p in of_span):
            continue
        found = stock_inference(pcm, use_itn=True, output_timestamp=True)
        again = tokenizer.text2tokens(TAGS.sub("", found["text"]))
        if again != of_span or of_span[0].startswith(SPOKEN):
            continue
        expected = list(zip(found["words"], found["timestamp"], strict=True))
        assert [word.word for word in said.words] == [word for word, _ in expected]
        for word, (_, (start, end)) in zip(said.words, expected, strict=True):
            # FunASR cuts the milliseconds of a float off, and so may lose one.
            assert 0 <= round(word.start * 1000) - start <= 1
            assert 0 <= round(word.end * 1000) - end <= 1
        compared += 1
    assert compared >= 10


@pytest.mark.parametrize("seed", range(5))
def test_the_likeliest_labels_are_the_likeliest_alignment(seed: int) -> None:
    from funasr.models.sense_voice.utils.ctc_alignment import ctc_forced_align

    generator = torch.Generator().manual_seed(seed)
    scores = torch.randn(40, 6, generator=generator).log_softmax(dim=-1)
    best, labels = scores.max(dim=-1)
    tokens = heard_tokens(labels.tolist(), best.exp().tolist(), blank=0)
    targets = torch.tensor([[token.token for token in tokens]])
    aligned = ctc_forced_align(
        scores[None], targets, torch.tensor([40]), torch.tensor([len(tokens)])
    )
    assert aligned[0].tolist() == labels.tolist()
