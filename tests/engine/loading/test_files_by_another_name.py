"""A folder's small files, as other programs write them and by the names that it gives them."""

from __future__ import annotations

import collections
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from shared.errors import ModelUnavailable
from shared.settings import Settings
from worker import demo_model
from worker.engine.loading.build import listed_tokens
from worker.engine.loading.checkpoint_to_network import parameters_of
from worker.engine.punctuation.load_ct_transformer import load_ct_transformer
from worker.engine.voice_activity.load_fsmn import load_fsmn
from worker.model_store.files import CONFIGURATION
from worker.model_store.locate import ModelFolder, own_folder

CPU = torch.device("cpu")


@pytest.fixture
def asr(tmp_path: Path) -> Path:
    return Path(shutil.copytree(demo_model.ASR_DIR, tmp_path / "asr"))


def whole(folder: Path) -> ModelFolder:
    return own_folder("mine", folder, Settings(data_dir=folder / "data"))


def name_files(folder: Path, **metas: object) -> None:
    (folder / CONFIGURATION).write_text(json.dumps({"file_path_metas": metas}))


def tokens_of(folder: Path) -> list[str]:
    tokens: list[str] = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
    return tokens


def test_a_mark_of_the_order_of_bytes_is_no_part_of_the_tokens(asr: Path) -> None:
    tokens = tokens_of(asr)
    listed = asr / "tokens.json"
    listed.write_text(listed.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert list(listed_tokens(whole(asr))) == tokens
    listed.unlink()
    (asr / "tokens.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8-sig")
    assert list(listed_tokens(whole(asr))) == tokens


def test_tokens_in_utf_16_are_read_as_they_are(asr: Path) -> None:
    tokens = tokens_of(asr)
    listed = asr / "tokens.json"
    listed.write_text(listed.read_text(encoding="utf-8"), encoding="utf-16")
    assert list(listed_tokens(whole(asr))) == tokens
    listed.unlink()
    (asr / "tokens.txt").write_text("\n".join(tokens), encoding="utf-16")
    assert list(listed_tokens(whole(asr))) == tokens


def test_numbers_behind_the_tokens_of_other_toolkits_are_no_part_of_them(asr: Path) -> None:
    """As WeNet and sherpa-onnx write them: the text would be full of numbers."""
    tokens = tokens_of(asr)
    (asr / "tokens.json").unlink()
    lines = [f"{token} {number}\n" for number, token in enumerate(tokens)]
    (asr / "tokens.txt").write_text("".join(lines), encoding="utf-8")
    assert list(listed_tokens(whole(asr))) == tokens
    lines[7] = "七 0\n"
    (asr / "tokens.txt").write_text("".join(lines), encoding="utf-8")
    assert listed_tokens(whole(asr))[7] == "七 0"


def test_a_list_that_cannot_be_read_is_named(asr: Path) -> None:
    (asr / "tokens.json").unlink()
    (asr / "tokens.txt").write_bytes("的\n是\n".encode("gbk"))
    with pytest.raises(ModelUnavailable, match=r"read its tokens\.txt"):
        listed_tokens(whole(asr))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_token_that_some_take_for_the_end_of_a_line_moves_no_other(asr: Path, end: str) -> None:
    tokens = ["<blank>", "<s>", "</s>", "a\u2028b", "a\x85b", "a\x1cb", "\u2029", "一", "<unk>"]
    (asr / "tokens.json").unlink()
    (asr / "tokens.txt").write_bytes((end.join(tokens) + end).encode())
    read = listed_tokens(whole(asr))
    assert len(read) == len(tokens)
    assert (read[3], read[-2:]) == (tokens[3], tokens[-2:])


def test_the_configuration_s_names_of_files_are_followed(asr: Path, tmp_path: Path) -> None:
    tokens = tokens_of(asr)
    (asr / "units.txt").write_text("\n".join(tokens[::-1]), encoding="utf-8")
    name_files(asr, init_param="model.pt", tokenizer_conf={"token_list": "units.txt"})
    assert list(listed_tokens(whole(asr))) == tokens[::-1]
    vad = Path(shutil.copytree(demo_model.VAD_DIR, tmp_path / "vad"))
    (vad / "am.mvn").rename(vad / "statistics.mvn")
    name_files(vad, frontend_conf={"cmvn_file": "statistics.mvn"})
    mine = load_fsmn(whole(vad), CPU)
    theirs = load_fsmn(own_folder("demo", demo_model.VAD_DIR, Settings(data_dir=tmp_path)), CPU)
    assert torch.equal(mine.cmvn, theirs.cmvn)


def test_empty_lines_at_the_end_of_a_list_are_no_tokens(asr: Path) -> None:
    tokens = tokens_of(asr)
    (asr / "tokens.json").unlink()
    (asr / "tokens.txt").write_text("\n".join(tokens) + "\n\n\n", encoding="utf-8")
    assert list(listed_tokens(whole(asr))) == tokens


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_statistics_that_an_editor_saved_are_those_that_funasr_reads(
    end: str, tmp_path: Path
) -> None:
    from funasr.frontends.wav_frontend import load_cmvn

    vad = Path(shutil.copytree(demo_model.VAD_DIR, tmp_path / "vad"))
    statistics = vad / "am.mvn"
    theirs = load_cmvn(statistics)
    lines = statistics.read_text(encoding="utf-8").split("\n")
    statistics.write_bytes(b"\xef\xbb\xbf" + end.join(lines).encode() + end.encode())
    assert torch.equal(load_fsmn(whole(vad), CPU).cmvn, theirs)


@pytest.mark.parametrize(
    "more",
    [
        {"val_acc": np.float64(0.9), "step": np.int64(3), "best": np.bool_(True)},
        {"history": np.zeros(3, np.float32)},
        {"path": Path("/data/model.pt"), "names": collections.OrderedDict(a=1)},
    ],
    ids=["numbers", "arrays", "paths"],
)
def test_what_training_keeps_beside_the_parameters_is_passed_over(
    more: dict[str, object], tmp_path: Path
) -> None:
    vad = Path(shutil.copytree(demo_model.VAD_DIR, tmp_path / "vad"))
    state = torch.load(vad / "model.pt", weights_only=True)
    torch.save({"state_dict": state, "epoch": 3, **more}, vad / "model.pt")
    loaded = load_fsmn(whole(vad), CPU).model.state_dict()
    assert all(torch.equal(loaded[name], value.float()) for name, value in state.items())


def test_a_whole_network_with_its_code_is_refused_for_that(tmp_path: Path) -> None:
    vad = Path(shutil.copytree(demo_model.VAD_DIR, tmp_path / "vad"))
    torch.save(torch.nn.Linear(2, 2), vad / "model.pt")
    with pytest.raises(ModelUnavailable, match=r"holds torch\.nn\S*Linear, and code .* state_dict"):
        load_fsmn(whole(vad), CPU)


def test_the_words_of_punctuation_are_found_by_the_configuration_s_name(tmp_path: Path) -> None:
    punc = Path(shutil.copytree(demo_model.PUNC_DIR, tmp_path / "punc"))
    (punc / "words.txt").write_text("预算表 3 n\n", encoding="utf-8")
    name_files(punc, jieba_usr_dict="words.txt")
    segmenter = load_ct_transformer(whole(punc), CPU).model.jieba_usr_dict
    assert list(segmenter.cut("这个预算表", HMM=False)) == ["这个", "预算表"]


@pytest.mark.parametrize(
    "prefix", ["", "module.", "module.module.", "_orig_mod.", "module._orig_mod.", "model."]
)
def test_what_training_puts_before_names_is_taken_away(prefix: str, tmp_path: Path) -> None:
    vad = Path(shutil.copytree(demo_model.VAD_DIR, tmp_path / "vad"))
    state = torch.load(vad / "model.pt", weights_only=True)
    torch.save({"model": {prefix + name: value for name, value in state.items()}}, vad / "model.pt")
    loaded = load_fsmn(whole(vad), CPU).model.state_dict()
    assert all(torch.equal(loaded[name], value.float()) for name, value in state.items())


def test_a_part_that_was_compiled_keeps_its_name() -> None:
    state = {"encoder._orig_mod.linear.weight": torch.zeros(1), "model.bias": torch.zeros(1)}
    assert set(parameters_of(state)) == {"encoder.linear.weight", "model.bias"}
