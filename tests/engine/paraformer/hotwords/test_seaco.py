"""Hotwords change what FunASR's own SeacoParaformer lets them change, span by span."""

from __future__ import annotations

import json
import logging
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from shared.errors import ModelUnavailable
from tests.support.speech import random_seaco, speech_models
from worker.engine.fbank import Fbank
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.loading.build import load_network
from worker.engine.paraformer.hotwords import apply_hotwords
from worker.engine.paraformer.load_paraformer import SPEC
from worker.engine.paraformer.network import Paraformer
from worker.model_store.locate import locate
from worker.recogniser import EMPTY_REQUEST, Pcm, RecognitionRequest

CPU = torch.device("cpu")
SPANS = 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_seaco.make(tmp_path_factory.mktemp("seaco"), no_bias=3.0)


@pytest.fixture(scope="module")
def recogniser(folder: Path) -> FunASRRecogniser:
    return load_recogniser(str(folder), device="cpu", cpu_threads=1)


@pytest.fixture(scope="module")
def stock(folder: Path) -> Any:
    return random_seaco.stock(folder)


@pytest.fixture(scope="module")
def spoken(recogniser: FunASRRecogniser) -> list[Pcm]:
    pcm = speech_models.meeting()
    detector = recogniser.voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    return [pcm[span.start : span.end] for span in spans][:SPANS]


def made_up(folder: Path, count: int, seed: int = 1) -> tuple[str, ...]:
    tokens = json.loads((folder / "asr" / "tokens.json").read_text(encoding="utf-8"))[3:-1]
    rng = random.Random(seed)
    words: set[str] = set()
    while len(words) < count:
        words.add("".join(rng.sample(tokens, rng.randint(2, 5))))
    return tuple(words)


def said(
    recogniser: FunASRRecogniser, speech: list[Pcm], words: tuple[str, ...]
) -> list[tuple[str, list[tuple[int, int]]]]:
    """Of each span the text, and the times in milliseconds."""
    return [
        (
            "".join(word.word for word in span.words),
            [(round(word.start * 1000), round(word.end * 1000)) for word in span.words],
        )
        for span in recogniser.recognise(speech, RecognitionRequest(hotwords=words))
    ]


@pytest.mark.parametrize("count", [1, 49, 50, 400])
def test_a_span_alone_says_what_funasr_says(
    recogniser: FunASRRecogniser, stock: Any, spoken: list[Pcm], folder: Path, count: int
) -> None:
    """49 words and the one for none are decoded as they are, 50 and it are chosen from."""
    words = made_up(folder, count)
    ours = [said(recogniser, [pcm], words)[0] for pcm in spoken]
    assert ours == [random_seaco.stock_says(stock, pcm, " ".join(words)) for pcm in spoken]
    without = said(recogniser, spoken, ())
    differing = sum(
        a != b
        for (with_them, _), (plain, _) in zip(ours, without, strict=True)
        for a, b in zip(with_them, plain, strict=False)
    )
    characters = sum(len(text) for text, _ in without)
    assert 0.1 * characters < differing < 0.95 * characters
    assert ours != said(recogniser, spoken, made_up(folder, count, seed=2))


@pytest.mark.parametrize("count", [5, 400])
def test_neighbours_and_their_order_play_no_part(
    recogniser: FunASRRecogniser,
    spoken: list[Pcm],
    folder: Path,
    count: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = made_up(folder, count)
    together = said(recogniser, spoken, words)
    assert together == [said(recogniser, [pcm], words)[0] for pcm in spoken]
    assert together[::-1] == said(recogniser, spoken[::-1], words[::-1])
    some = [5, 0, 7]
    assert said(recogniser, [spoken[i] for i in some], words) == [together[i] for i in some]
    monkeypatch.setattr(apply_hotwords, "_TOKENS_AT_ONCE", 40)
    assert together == said(recogniser, spoken, words)


def test_without_hotwords_it_is_bicif_to_the_last_bit(
    recogniser: FunASRRecogniser, spoken: list[Pcm], folder: Path
) -> None:
    network = load_network(locate(str(folder)).asr, SPEC, CPU)
    bicif = Paraformer(network, Fbank(CPU), CPU)
    assert not bicif.accepts_hotwords
    assert recogniser.accepts_hotwords
    assert bicif.recognise(spoken) == recogniser.recognise(spoken, EMPTY_REQUEST)
    recogniser.recognise(spoken, RecognitionRequest(hotwords=made_up(folder, 60)))
    assert bicif.recognise(spoken) == recogniser.recognise(spoken, EMPTY_REQUEST)


def test_words_that_cannot_be_written_are_left_out_and_told(
    recogniser: FunASRRecogniser,
    spoken: list[Pcm],
    folder: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    words = made_up(folder, 5)
    with caplog.at_level(logging.WARNING):
        heard = said(recogniser, spoken, (*words, "龘", "xyz"))
    assert heard == said(recogniser, spoken, words)
    assert "2 of 7 hotwords hold what the model cannot write" in caplog.text
    assert said(recogniser, spoken, ("龘",)) == said(recogniser, spoken, ())


def test_a_list_is_encoded_once(
    recogniser: FunASRRecogniser, spoken: list[Pcm], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    encode = apply_hotwords.encode

    def counting(*given: Any) -> Any:
        encoded.append(len(given[2]))
        return encode(*given)

    monkeypatch.setattr(apply_hotwords, "encode", counting)
    lists = [made_up(folder, 10, seed) for seed in (20, 21, 22)]
    for _ in range(2):
        for pcm in spoken[:2]:
            for words in lists[:2]:
                said(recogniser, [pcm], words)
    assert encoded == [10, 10]
    said(recogniser, spoken[:1], lists[2])
    said(recogniser, spoken[:1], lists[1])
    said(recogniser, spoken[:1], lists[0])
    assert encoded == [10, 10, 10, 10]
    monkeypatch.setattr(apply_hotwords, "_KEPT_BYTES", 1)
    for seed in (23, 24, 23, 24):
        said(recogniser, spoken[:1], made_up(folder, 10, seed))
    assert len(encoded) == 8, "lists too large to be kept together are not"


def test_bfloat16_leaves_the_hotwords_in_float32(folder: Path, spoken: list[Pcm]) -> None:
    rounded = load_recogniser(str(folder), device="cpu", cpu_threads=1, precision="bfloat16")
    model = rounded._speech_network._model  # type: ignore[attr-defined]
    for part in (model.bias_encoder, model.seaco_decoder, model.hotword_output_layer):
        assert {parameter.dtype for parameter in part.parameters()} == {torch.float32}
    assert any(text for text, _ in said(rounded, spoken, made_up(folder, 60)))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_conf": {"bias_encoder_type": "mean"}}, "bias_encoder_type: lstm"),
        ({"model_conf": {"NO_BIAS": 8_377}}, "NO_BIAS that is the number of a token"),
        ({"seaco_decoder": "TransformerDecoder"}, "seaco_decoder: ParaformerSANMDecoder"),
    ],
)
def test_hotwords_of_another_kind_are_refused(
    folder: Path, tmp_path: Path, changes: dict[str, object], says: str
) -> None:
    random_seaco.copy_with(folder, tmp_path / "other", changes)
    with pytest.raises(ModelUnavailable, match=says):
        load_recogniser(str(tmp_path / "other"), device="cpu")


def test_missing_parameters_of_the_hotwords_are_refused(folder: Path, tmp_path: Path) -> None:
    random_seaco.copy_with(folder, tmp_path / "other", {})
    path = tmp_path / "other" / "asr" / "model.pt"
    state = torch.load(path, weights_only=True)
    del state["bias_encoder.weight_ih_l0"]
    torch.save(state, path)
    with pytest.raises(ModelUnavailable, match=r"bias_encoder\.weight_ih_l0 .* is missing"):
        load_recogniser(str(tmp_path / "other"), device="cpu")


def test_another_bias_encoder_is_another_identity(folder: Path, tmp_path: Path) -> None:
    random_seaco.copy_with(folder, tmp_path / "other", {})
    path = tmp_path / "other" / "asr" / "model.pt"
    state = torch.load(path, weights_only=True)
    state["bias_encoder.bias_ih_l0"] += 1
    torch.save(state, path)
    one, other = (locate(str(each)).asr.revision for each in (folder, tmp_path / "other"))
    assert one != other
    (tmp_path / "other" / "asr" / "seg_dict").write_text("一 一\n", encoding="utf-8")
    assert locate(str(tmp_path / "other")).asr.revision not in (one, other)
