"""Whatever is wrong with a model folder: one line with the folder, the reason and what to do."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import yaml

from shared.errors import ModelUnavailable
from tests.support.speech import speech_models
from worker import demo_model
from worker.engine.funasr_recogniser import load_recogniser

PARTS = {"asr": demo_model.ASR_DIR, "vad": demo_model.VAD_DIR, "punc": demo_model.PUNC_DIR}
NEEDED = [
    (part, file.name)
    for part, source in PARTS.items()
    for file in sorted(source.iterdir())
    if file.name in ("am.mvn", "config.yaml", "model.pt", "tokens.json")
]
STEPS = ("again", "Set LONGSCRIBE_", "Choose another", "models download", "permissions")
"""Texts of which one stands in what a person is told to do."""


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "my-model"
    for source in PARTS.values():
        shutil.copytree(source, folder / source.name)
    return folder


def refusal(bundle: Path) -> str:
    """What a person reads."""
    with pytest.raises(ModelUnavailable) as raised:
        load_recogniser(str(bundle), device="cpu")
    return raised.value.message


def assert_clear(message: str, *parts: str) -> None:
    assert "\n" not in message
    assert len(message) < 700
    assert any(step in message for step in STEPS), message
    for part in parts:
        assert part in message, message


def removed(file: Path) -> None:
    file.unlink()


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def made_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def filled_with_zeros(file: Path) -> None:
    """As a download that reserved its room leaves it."""
    file.write_bytes(bytes(file.stat().st_size))


@pytest.mark.parametrize("damage", [removed, emptied, cut, made_a_folder, filled_with_zeros])
@pytest.mark.parametrize(("part", "name"), NEEDED)
def test_each_file_is_missed(
    bundle: Path, part: str, name: str, damage: Callable[[Path], None]
) -> None:
    damage(bundle / part / name)
    assert_clear(refusal(bundle), str(bundle / part), name)


def test_a_hole_in_a_checkpoint_is_found(bundle: Path) -> None:
    """Its size is right and its end is there."""
    checkpoint = bundle / "asr" / "model.pt"
    with checkpoint.open("r+b") as file:
        file.seek(checkpoint.stat().st_size // 2)
        file.write(bytes(50_000))
    assert_clear(refusal(bundle), str(bundle / "asr"), "model.pt")


@contextlib.contextmanager
def as_somebody_else() -> Iterator[None]:
    """Root reads everything; nobody does not."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(("part", "name"), NEEDED)
def test_a_file_that_may_not_be_read_is_named(bundle: Path, part: str, name: str) -> None:
    speech_models.recogniser()  # imports what nobody may not read later
    for folder in (bundle / part, bundle, *bundle.parents):
        if folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)
    (bundle / part / name).chmod(0)
    with as_somebody_else():
        message = refusal(bundle)
    assert_clear(message, str(bundle / part), name)
    assert "ermission" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"model: [BiCif", "YAML"),
        (b"\xff\xfe\x00binary", "YAML"),
        (b"- a\n- list\n", "mapping"),
        (b"just a text\n", "mapping"),
        (b"42\n", "mapping"),
        (b"nothing: here\n", "class None"),
        (b"model: {a: b}\n", "class"),
        (b"model: ${no.such.key}\n", "YAML"),
        (b"model: " + b"[" * 5000, "YAML"),
    ],
)
def test_a_configuration_that_is_none_is_told(bundle: Path, content: bytes, reason: str) -> None:
    (bundle / "asr" / "config.yaml").write_bytes(content)
    assert_clear(refusal(bundle), str(bundle / "asr"), reason)


@pytest.mark.parametrize(
    ("part", "changes"),
    [
        ("asr", {"encoder": "NobodyKnows"}),
        ("asr", {"encoder_conf": "a text"}),
        ("asr", {"encoder_conf": {"output_size": 96}}),
        ("asr", {"encoder_conf": {"num_blocks": "many"}}),
        ("asr", {"encoder_conf": {"no_such_setting": 1}}),
        ("asr", {"decoder_conf": None}),
        ("asr", {"predictor_conf": {"upsample_times": 0}}),
        ("asr", {"frontend_conf": {"lfr_m": 0}}),
        ("asr", {"frontend": None}),
        ("asr", {"frontend_conf": []}),
        ("vad", {"encoder_conf": {"input_dim": 80}}),
        ("vad", {"model_conf": {"sil_pdf_ids": [7]}}),
        ("vad", {"model_conf": 3}),
        ("vad", {"frontend_conf": {"fs": 8000}}),
        ("punc", {"model_conf": {"punc_list": []}}),
        ("punc", {"model_conf": {"punc_list": ["。"]}}),
        ("punc", {"model_conf": {"sentence_end_id": 99}}),
        ("punc", {"encoder_conf": {"attention_heads": 3}}),
    ],
)
def test_a_setting_that_makes_no_sense_is_told(
    bundle: Path, part: str, changes: dict[str, object]
) -> None:
    path = bundle / part / "config.yaml"
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        whole = isinstance(value, dict) and isinstance(config.get(key), dict)
        config[key] = {**config[key], **value} if whole else value  # type: ignore[dict-item]
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    assert_clear(refusal(bundle), str(bundle / part))


def another_list(folder: Path) -> None:
    (folder / "tokens.json").write_text(json.dumps(["<blank>", "<s>", "</s>", "一", "<unk>"]))


def no_list(folder: Path) -> None:
    (folder / "tokens.json").write_text('{"a": 1}')


def numbers_for_tokens(folder: Path) -> None:
    (folder / "tokens.json").write_text("[1, 2, 3]")


def another_networks_normalisation(folder: Path) -> None:
    shutil.copyfile(demo_model.VAD_DIR / "am.mvn", folder / "am.mvn")


def another_networks_checkpoint(folder: Path) -> None:
    shutil.copyfile(demo_model.VAD_DIR / "model.pt", folder / "model.pt")


def numbers_that_are_none(folder: Path) -> None:
    state = torch.load(folder / "model.pt", weights_only=True)
    name = next(name for name in state if name.endswith("weight"))
    state[name] = torch.full_like(state[name], float("nan"))
    torch.save(state, folder / "model.pt")


def a_checkpoint_of_something_else(folder: Path) -> None:
    torch.save([1, 2, 3], folder / "model.pt")


def an_archive_of_something_else(folder: Path) -> None:
    shutil.make_archive(str(folder / "other"), "zip", demo_model.PUNC_DIR, "tokens.json")
    (folder / "other.zip").replace(folder / "model.pt")


def code_in_a_pickle(folder: Path) -> None:
    torch.save({"weights": Path}, folder / "model.pt")


@pytest.mark.parametrize(
    "damage",
    [
        another_list,
        no_list,
        numbers_for_tokens,
        another_networks_normalisation,
        another_networks_checkpoint,
        numbers_that_are_none,
        a_checkpoint_of_something_else,
        an_archive_of_something_else,
        code_in_a_pickle,
    ],
)
def test_files_that_do_not_belong_together_are_told(
    bundle: Path, damage: Callable[[Path], None]
) -> None:
    damage(bundle / "asr")
    assert_clear(refusal(bundle), str(bundle / "asr"))


def test_a_checkpoint_in_torchs_old_format_is_taken(bundle: Path) -> None:
    path = bundle / "asr" / "model.pt"
    state = torch.load(path, weights_only=True)
    torch.save(state, path, _use_new_zipfile_serialization=False)
    load_recogniser(str(bundle), device="cpu")


def test_an_old_checkpoint_that_is_cut_is_told(bundle: Path) -> None:
    path = bundle / "asr" / "model.pt"
    state = torch.load(path, weights_only=True)
    torch.save(state, path, _use_new_zipfile_serialization=False)
    cut(path)
    assert_clear(refusal(bundle), str(bundle / "asr"), "model.pt")
