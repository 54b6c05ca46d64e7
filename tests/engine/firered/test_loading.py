"""A FireRedASR2-AED's folder: what it needs, and what is said of one that lacks it."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from shared.errors import ModelUnavailable
from tests.support.speech import firered_models, speech_models
from worker.batching.batch_packing import plan_batches
from worker.engine.family_registry import load_speech_network
from worker.engine.fbank import Fbank
from worker.engine.firered.load_firered import load_firered
from worker.engine.firered.network import LONGEST_SPAN_S, FireRed
from worker.engine.funasr_recogniser import load_recogniser
from worker.engine.precision import Precision
from worker.engine.reference.stock_funasr import load_stock
from worker.model_store.carry import carried, role_of
from worker.model_store.files import needed_files
from worker.model_store.known import resolve
from worker.model_store.locate import locate
from worker.model_store.revision import examine
from worker.recogniser import RecognitionRequest, UnsupportedRequest

NEEDED = ["cmvn.ark", "dict.txt", "model.pth.tar"]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A copy of its own."""
    shutil.copytree(firered_models.bundle(), tmp_path / "models")
    return tmp_path / "models"


def change_checkpoint(bundle: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = bundle / "asr" / "model.pth.tar"
    with torch.serialization.safe_globals([argparse.Namespace]):
        package = torch.load(path, weights_only=True)
    change(package)
    torch.save(package, path)


def refusal(bundle: Path) -> str:
    with pytest.raises(ModelUnavailable) as refused:
        load_recogniser(str(bundle), device="cpu")
    assert "\n" not in refused.value.message
    return refused.value.message


def test_a_folder_as_it_is_published_goes_through_the_recogniser_to_words(bundle: Path) -> None:
    recogniser = load_recogniser(str(bundle), device="cpu")
    assert recogniser.languages == ("zh", "en")
    assert not recogniser.punctuates and not recogniser.accepts_hotwords
    assert recogniser.is_batch_invariant
    assert recogniser.longest_span_s <= LONGEST_SPAN_S
    pcm = speech_models.excerpt(0, 60)
    detector = recogniser.voice_activity()
    spans = [*detector.feed(pcm), *detector.finish()]
    plan = plan_batches(spans, 30.0, pass_cost=recogniser.pass_cost)
    words = []
    for batch in plan.batches:
        speech = [pcm[spans[i].start : spans[i].end] for i in batch.indices]
        for said in recogniser.recognise(speech, RecognitionRequest(language="zh")):
            assert said.language in ("zh", None)
            words += [word.word for word in said.words]
    assert len(words) > 20
    assert len(recogniser.punctuate(words)) == len(words)
    with pytest.raises(UnsupportedRequest):
        recogniser.recognise([pcm], RecognitionRequest(hotwords=("网关",)))


@pytest.mark.parametrize("config", [None, "", "model_type: fireredasr\n"])
def test_it_is_known_by_its_files_whatever_config_yaml_lies_beside_them(
    bundle: Path, config: str | None
) -> None:
    folder = bundle / "asr"
    if config is not None:
        (folder / "config.yaml").write_text(config)
    assert needed_files(folder) == NEEDED
    assert examine(folder).problems == []
    assert role_of(folder) == "asr"
    where = locate(str(folder), str(bundle / "vad"), str(bundle / "punc")).asr
    cpu = firered_models.CPU
    network = load_speech_network(where, cpu, Fbank(cpu), Precision())
    assert isinstance(network, FireRed)


def test_its_name_is_known_on_both_hubs_and_its_relatives_are_refused_by_theirs() -> None:
    assert resolve("FireRedASR2-AED", "asr", "modelscope").name == "xukaituo/FireRedASR2-AED"
    found = resolve("firered", "asr", "huggingface")
    assert (found.name, found.revision) == ("FireRedTeam/FireRedASR2-AED", "main")
    for name in ("FireRedTeam/FireRedASR-AED-L", "FireRedTeam/FireRedASR2-LLM"):
        with pytest.raises(ModelUnavailable, match="no word times"):
            resolve(name, "asr", "huggingface")


def test_float16_in_which_it_may_overflow_is_refused() -> None:
    cpu, half = firered_models.CPU, Precision()
    half.name = "float16"  # which a CPU does not have
    with pytest.raises(ModelUnavailable, match="bfloat16 or float32"):
        load_speech_network(firered_models.asr_folder(), cpu, Fbank(cpu), half)


@pytest.mark.parametrize("name", NEEDED)
def test_a_folder_without_one_of_its_files_is_not_whole(bundle: Path, name: str) -> None:
    (bundle / "asr" / name).unlink()
    assert f"holds no {name}" in refusal(bundle)


def test_a_checkpoint_that_was_cut_short_is_found_before_it_is_loaded(bundle: Path) -> None:
    checkpoint = bundle / "asr" / "model.pth.tar"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-5_000])
    assert "model.pth.tar that is cut short" in refusal(bundle)


def test_what_is_carried_is_what_is_needed(bundle: Path, tmp_path: Path) -> None:
    (bundle / "asr" / "README.md").write_text("...")
    to = carried(bundle / "asr", tmp_path / "carried")
    assert sorted(path.name for path in to.iterdir()) == NEEDED
    assert examine(to).revision == examine(bundle / "asr").revision


def test_other_tokens_or_other_statistics_are_another_revision(bundle: Path) -> None:
    before = examine(bundle / "asr").revision
    path = bundle / "asr" / "dict.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("▁API", "▁ABI"), encoding="utf-8")
    assert examine(bundle / "asr").revision != before


def test_the_first_firered_without_ctc_is_refused(bundle: Path) -> None:
    def without_ctc(package: dict[str, Any]) -> None:
        state = package["model_state_dict"]
        for name in [name for name in state if name.startswith("ctc.")]:
            del state[name]

    change_checkpoint(bundle, without_ctc)
    assert "an output for CTC" in refusal(bundle)


def test_the_one_with_a_language_model_is_refused(bundle: Path) -> None:
    (bundle / "asr" / "asr_encoder.pth.tar").write_bytes(b"")
    (bundle / "asr" / "dict.txt").unlink()  # its tokens are the language model's
    assert "FireRedAsrLlm, which gives no times" in refusal(bundle)


def test_funasr_is_not_asked_to_run_it(bundle: Path) -> None:
    with pytest.raises(ModelUnavailable, match="nothing to compare with"):
        load_stock(locate(str(bundle)), "cpu", cpu_threads=1, end_silence_ms=800)


class Stranger:
    """Something that unpickling would have to run code for."""


def without_arguments(package: dict[str, Any]) -> None:
    del package["args"]


def with_another_width(package: dict[str, Any]) -> None:
    package["args"].d_model = 128


def with_more_tokens(package: dict[str, Any]) -> None:
    package["args"].odim += 1


def with_other_bins(package: dict[str, Any]) -> None:
    package["args"].idim = 40


def without_heads(package: dict[str, Any]) -> None:
    package["args"].n_head = 0


def with_endless_blocks(package: dict[str, Any]) -> None:
    package["args"].n_layers_enc = 99_999


def with_no_number(package: dict[str, Any]) -> None:
    package["model_state_dict"]["encoder.layer_stack.1.mhsa.fc.weight"][3, 3] = torch.nan


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (without_arguments, "does not say its idim"),
        (with_another_width, "does not fit its own arguments"),
        (with_more_tokens, "as many tokens in dict.txt"),
        (with_other_bins, "80 mel bins"),
        (without_heads, "does not say its n_head"),
        (with_endless_blocks, "as many blocks as its checkpoint"),
        (with_no_number, "mhsa.fc.weight in model.pth.tar holds numbers that are not finite"),
        (lambda package: package.update(more=Stranger()), "read its model.pth.tar"),
    ],
)
def test_another_network_is_refused(
    bundle: Path, change: Callable[[dict[str, Any]], None], told: str
) -> None:
    change_checkpoint(bundle, change)
    assert told in refusal(bundle)


def test_statistics_are_read_in_each_of_kaldis_forms(bundle: Path) -> None:
    path = bundle / "asr" / "cmvn.ark"
    whole = path.read_bytes()
    numbers = np.frombuffer(whole, "<f8", offset=15).reshape(2, -1)
    rows = "\n ".join(" ".join(map(repr, row)) for row in numbers.tolist())
    loaded = load_firered(firered_models.asr_folder(), firered_models.CPU).network.cmvn
    for other in (b"\0BFM " + whole[5:15] + numbers.astype("<f4").tobytes(), f" [\n {rows} ]\n"):
        path.write_bytes(other if isinstance(other, bytes) else other.encode())
        same = load_firered(locate(str(bundle)).asr, firered_models.CPU).network.cmvn
        assert torch.allclose(same, loaded, rtol=1e-4, atol=1e-4)


def test_a_mark_of_the_order_of_bytes_is_no_part_of_the_first_token(bundle: Path) -> None:
    path = bundle / "asr" / "dict.txt"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig", newline="\r\n")
    where = locate(str(bundle)).asr
    tokens = load_firered(where, firered_models.CPU).network.token_list
    assert (
        tokens == load_firered(firered_models.asr_folder(), firered_models.CPU).network.token_list
    )


def test_statistics_and_tokens_that_are_none_are_told(bundle: Path) -> None:
    statistics = bundle / "asr" / "cmvn.ark"
    whole = statistics.read_bytes()
    for broken in (
        *(whole[:-8], b"\0BFM " + whole[5:], whole[:15] + b"\0" * (len(whole) - 15)),
        *(b"[ 1 2\n 3 4 ]", b"\0BDM ", b"HTTP/1.1 404"),
    ):
        statistics.write_bytes(broken)
        assert "holds no statistics of 80 mel bins" in refusal(bundle)
    statistics.write_bytes(whole)
    tokens = bundle / "asr" / "dict.txt"
    lines = tokens.read_text(encoding="utf-8").splitlines()
    tokens.write_text("\n".join([*lines[:9], *lines[10:]]) + "\n", encoding="utf-8")
    assert "line 10 of dict.txt" in refusal(bundle)
