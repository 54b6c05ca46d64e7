"""A SenseVoice's folder: what it needs, and what is said of one that lacks it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from shared.errors import ModelUnavailable
from tests.support.speech import sensevoice_models, speech_models
from worker.batching.batch_packing import plan_batches
from worker.engine.family_registry import FAMILIES
from worker.engine.funasr_recogniser import load_recogniser
from worker.engine.sensevoice.family import SENSEVOICE
from worker.engine.sensevoice.network import LONGEST_SPAN_S
from worker.model_store.files import BPE_MODEL, PUNCTUATES_ITSELF, needed_files
from worker.model_store.locate import locate
from worker.recogniser import RecognitionRequest, UnsupportedRequest


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of its own."""
    for part in ("asr", "vad"):
        shutil.copytree(sensevoice_models.bundle() / part, tmp_path / "models" / part)
    return tmp_path / "models"


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8")) | changes
    path.write_text(yaml.safe_dump(config), encoding="utf-8")


def test_a_folder_without_punctuation_is_whole_and_runs(bundle: Path) -> None:
    folders = locate(str(bundle))
    assert folders.punc is None
    assert BPE_MODEL in needed_files(bundle / "asr")
    assert "tokens.json" not in needed_files(bundle / "asr")
    recogniser = load_recogniser(str(bundle), device="cpu")
    assert recogniser.languages == ("zh", "en", "yue", "ja", "ko")
    assert recogniser.punctuates and not recogniser.accepts_hotwords
    assert recogniser.longest_span_s == LONGEST_SPAN_S
    assert recogniser.punctuate(["好。"]) == [""]


def test_its_spans_go_through_a_plan_to_words(bundle: Path) -> None:
    recogniser = load_recogniser(str(bundle), device="cpu")
    pcm = speech_models.excerpt(0, 90)
    detector = recogniser.voice_activity()
    spans = [*detector.feed(pcm), *detector.finish()]
    assert max(span.seconds for span in spans) <= LONGEST_SPAN_S
    plan = plan_batches(spans, 30.0, pass_cost=recogniser.pass_cost)
    for batch in plan.batches:
        speech = [pcm[spans[i].start : spans[i].end] for i in batch.indices]
        found = recogniser.recognise(speech, RecognitionRequest(language="yue"))
        assert {said.language for said in found if said.words} <= {"yue"}


@pytest.mark.parametrize("request_", [{"hotwords": ("网关",)}, {"language": "de"}])
def test_what_it_cannot_do_is_refused(bundle: Path, request_: dict[str, Any]) -> None:
    recogniser = load_recogniser(str(bundle), device="cpu")
    with pytest.raises(UnsupportedRequest):
        recogniser.recognise([speech_models.silence(1)], RecognitionRequest(**request_))


def test_families_and_the_store_agree_on_who_marks_words() -> None:
    assert set(SENSEVOICE.classes) == PUNCTUATES_ITSELF
    assert SENSEVOICE in FAMILIES


def test_a_folder_without_its_pieces_is_not_whole(bundle: Path) -> None:
    (bundle / "asr" / BPE_MODEL).unlink()
    with pytest.raises(ModelUnavailable, match=f"holds no {BPE_MODEL}"):
        load_recogniser(str(bundle), device="cpu")


def test_pieces_that_cannot_be_read_and_pieces_of_another_model_are_told(bundle: Path) -> None:
    pieces = bundle / "asr" / BPE_MODEL
    whole = pieces.read_bytes()
    pieces.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelUnavailable, match=f"a {BPE_MODEL} that is cut short"):
        load_recogniser(str(bundle), device="cpu")
    pieces.write_bytes(b"\x08\x01")
    with pytest.raises(ModelUnavailable, match=f"read its {BPE_MODEL}"):
        load_recogniser(str(bundle), device="cpu")


def test_a_folder_that_funasr_wrote_in_training_has_its_pieces_by_another_name(
    bundle: Path,
) -> None:
    folder = bundle / "asr"
    (folder / "configuration.json").unlink()
    (folder / BPE_MODEL).rename(folder / "bpe.model")
    change_config(folder, tokenizer_conf={"bpemodel": "/data/somebody/bpe.model"})
    assert "bpe.model" in needed_files(folder)
    load_recogniser(str(bundle), device="cpu")


def test_a_checkpoint_of_another_vocabulary_is_told(bundle: Path) -> None:
    checkpoint = bundle / "asr" / "model.pt"
    state = torch.load(checkpoint, weights_only=True)
    state["ctc.ctc_lo.weight"] = state["ctc.ctc_lo.weight"][:-1]
    torch.save(state, checkpoint)
    with pytest.raises(ModelUnavailable, match=r"ctc\.ctc_lo\.weight"):
        load_recogniser(str(bundle), device="cpu")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"encoder": "SANMEncoder"}, "encoder: SenseVoiceEncoderSmall"),
        ({"frontend_conf": {"lfr_m": 7, "lfr_n": 5, "window": "hamming"}}, "frames of 60 ms"),
    ],
)
def test_another_network_is_refused(bundle: Path, changes: dict[str, Any], told: str) -> None:
    change_config(bundle / "asr", **changes)
    with pytest.raises(ModelUnavailable, match=told):
        load_recogniser(str(bundle), device="cpu")


def test_what_is_for_training_need_not_be_in_the_checkpoint_or_built(bundle: Path) -> None:
    change_config(bundle / "asr", specaug="NoSuchSpecAug", normalize="NoSuchNormalize")
    load_recogniser(str(bundle), device="cpu")
