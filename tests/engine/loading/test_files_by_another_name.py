"""A folder's small files, as other programs write them and by the names that it gives them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from shared.settings import Settings
from worker import demo_model
from worker.engine.loading.build import listed_tokens
from worker.engine.loading.checkpoint_to_network import parameters_of
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
