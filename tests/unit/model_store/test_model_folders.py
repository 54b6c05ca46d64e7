"""A model folder is whole or it is refused, and its revision is what its files hold."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from shared.errors import ModelUnavailable
from shared.settings import Settings
from tests.support.thorough import needs
from worker import demo_model
from worker.configured_recogniser import load_configured_recogniser
from worker.model_store.carry import carried
from worker.model_store.files import needed_files
from worker.model_store.locate import locate
from worker.model_store.parts import configured_parts
from worker.model_store.revision import examine


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The demo model as an operator's own folder, free to be broken."""
    folder = tmp_path / "my-model"
    for name, source in (
        ("asr", demo_model.ASR_DIR),
        ("vad", demo_model.VAD_DIR),
        ("punc", demo_model.PUNC_DIR),
    ):
        shutil.copytree(source, folder / name)
    return folder


def test_the_demo_model_is_found_without_a_hub() -> None:
    folders = locate("demo", offline=True)
    assert folders.is_demo
    assert folders.asr.path == demo_model.ASR_DIR


def test_a_folder_may_bring_its_companions_along(bundle: Path) -> None:
    folders = locate(str(bundle), offline=True)
    assert not folders.is_demo
    assert [part.path.name for part in (folders.asr, folders.vad, folders.punc)] == [
        "asr",
        "vad",
        "punc",
    ]


def test_a_companion_that_is_missing_is_no_hub_name_though_the_folder_is_relative(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(bundle / "vad")
    monkeypatch.chdir(bundle.parent)
    with pytest.raises(ModelUnavailable, match=f"no model folder {bundle / 'vad'}"):
        locate(bundle.name)
    parts = configured_parts(Settings(model=bundle.name))
    assert [part.folder for part in parts] == [bundle / name for name in ("asr", "vad", "punc")]


def test_a_folder_that_may_not_be_read_is_told_in_one_line(
    bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", refuse)  # root, as whom tests may run, reads everything
    with pytest.raises(ModelUnavailable, match=r"cannot be read .*Give this account"):
        locate(str(bundle))
    with pytest.raises(ModelUnavailable, match=r"cannot be read .*Give this account"):
        configured_parts(Settings(model=str(bundle)))


def test_three_folders_may_be_named(bundle: Path) -> None:
    folders = locate(str(bundle / "asr"), str(bundle / "vad"), str(bundle / "punc"), offline=True)
    assert folders.vad.path == bundle / "vad"


def test_a_companion_that_is_named_wins(bundle: Path) -> None:
    folders = locate(str(bundle), vad_model=str(demo_model.VAD_DIR), offline=True)
    assert folders.vad.path == demo_model.VAD_DIR


def test_a_folder_that_is_not_there_is_no_hub_name(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no model folder"):
        locate(str(tmp_path / "nowhere"))


# --- whole folders -----------------------------------------------------------------------------


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def damage(path: Path) -> None:
    """One byte of the weights turns over; the file keeps its length."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def make_unreadable(path: Path) -> None:
    """A link to itself, which root cannot read either."""
    path.unlink()
    path.symlink_to(path.name)


@pytest.mark.parametrize(
    ("name", "break_file", "said"),
    [
        ("config.yaml", Path.unlink, "holds no config.yaml"),
        ("model.pt", Path.unlink, "holds no model.pt"),
        ("am.mvn", Path.unlink, "holds no am.mvn"),
        ("tokens.json", Path.unlink, "holds no tokens.json"),
        ("model.pt", empty, "an empty model.pt"),
        ("tokens.json", empty, "an empty tokens.json"),
        ("model.pt", cut, "a model.pt that is cut short"),
        ("tokens.json", cut, "a tokens.json that is cut short or no JSON"),
        ("am.mvn", cut, "an? am.mvn that is cut short"),
        ("model.pt", damage, "a model.pt that is damaged"),
        ("model.pt", replace_by_a_folder, "a folder where the file model.pt"),
        ("model.pt", make_unreadable, "a model.pt that cannot be read"),
    ],
)
def test_a_broken_folder_is_refused_in_one_line(
    bundle: Path, name: str, break_file: Callable[[Path], None], said: str
) -> None:
    break_file(bundle / "asr" / name)
    with pytest.raises(ModelUnavailable, match=said) as told:
        locate(str(bundle))
    assert str(bundle / "asr") in told.value.message
    assert "\n" not in told.value.message
    assert "Copy the whole folder again" in told.value.message


@pytest.mark.parametrize("content", ["{", "- a list\n"])
def test_a_config_that_holds_no_settings_is_refused(bundle: Path, content: str) -> None:
    (bundle / "vad" / "config.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(ModelUnavailable, match=r"config\.yaml that (is not YAML|holds no sett)"):
        locate(str(bundle))


@pytest.mark.parametrize("name", ["seg_dict", "jieba_usr_dict"])
def test_what_the_configuration_names_is_needed(bundle: Path, name: str) -> None:
    configuration = {"file_path_metas": {"config": "config.yaml", "tokenizer_conf": {"x": name}}}
    (bundle / "asr" / "configuration.json").write_text(json.dumps(configuration))
    (bundle / "asr" / name).unlink(missing_ok=True)
    with pytest.raises(ModelUnavailable, match=f"holds no {name}"):
        locate(str(bundle))
    (bundle / "asr" / name).write_text("词 词\n", encoding="utf-8")
    assert locate(str(bundle)).asr.path == bundle / "asr"


def test_a_configuration_that_is_cut_short_is_refused(bundle: Path) -> None:
    (bundle / "asr" / "configuration.json").write_text('{"file_path_metas": {')
    with pytest.raises(ModelUnavailable, match=r"configuration\.json that is cut short"):
        locate(str(bundle))


@pytest.mark.parametrize("name", ["model.pt", "am.mvn", "tokens.json", "seg_dict"])
def test_a_pointer_that_git_left_for_a_file_is_told(bundle: Path, name: str) -> None:
    """What a clone without Git LFS holds."""
    (bundle / "asr" / name).write_text(
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{'4d' * 32}\nsize 880502012\n"
    )
    with pytest.raises(ModelUnavailable, match=f"only Git's pointer.*{name}|{name} only Git's"):
        locate(str(bundle))


@pytest.mark.parametrize("named", ["/etc/passwd", "../vad/model.pt", "..", "", "a\0b", 7, {}])
def test_a_name_that_leads_out_of_the_folder_is_not_followed(
    bundle: Path, tmp_path: Path, named: object
) -> None:
    """What is broken of a hub's folder is removed, and what is needed is copied: by these names."""
    metas = {
        "init_param": named,
        "jieba_usr_dict": named,
        "frontend_conf": {"cmvn_file": named},
        "tokenizer_conf": {"token_list": named, "bpemodel": [named]},
    }
    folder = bundle / "asr"
    (folder / "configuration.json").write_text(json.dumps({"file_path_metas": metas}))
    names = needed_files(folder)
    assert names == ["am.mvn", "config.yaml", "configuration.json", "model.pt", "tokens.json"]
    assert locate(str(bundle)).asr.path == folder
    to = carried(folder, tmp_path / "to" / "carry")
    assert {path.parent for path in (tmp_path / "to").rglob("*") if path.is_file()} == {to}


@pytest.mark.parametrize("name", ["model.pb", "model.pt.avg10", "weights/best.ckpt"])
def test_a_checkpoint_by_any_name_is_read_to_its_end(bundle: Path, name: str) -> None:
    folder = bundle / "asr"
    checkpoint = folder / name
    checkpoint.parent.mkdir(exist_ok=True)
    (folder / "model.pt").rename(checkpoint)
    metas = {"file_path_metas": {"init_param": name}}
    (folder / "configuration.json").write_text(json.dumps(metas))
    assert locate(str(bundle)).asr.path == folder
    damage(checkpoint)
    with pytest.raises(ModelUnavailable, match=f"a {name} that is damaged"):
        locate(str(bundle))


@pytest.mark.parametrize("name", ["configuration.json", "tokens.json"])
def test_a_file_of_nothing_but_brackets_is_told(bundle: Path, name: str) -> None:
    (bundle / "asr" / name).write_text("[" * 100_000)
    with pytest.raises(ModelUnavailable, match=f"{name} that is cut short or no JSON"):
        locate(str(bundle))


def test_a_recogniser_with_a_folder_called_asr_is_no_bundle(bundle: Path, tmp_path: Path) -> None:
    own = shutil.copytree(bundle / "asr", tmp_path / "own")
    shutil.copytree(bundle, own, dirs_exist_ok=True)
    shutil.rmtree(own / "vad")
    folders = locate(str(own), str(bundle / "vad"), str(bundle / "punc"), offline=True)
    assert (folders.asr.path, folders.vad.path) == (own, bundle / "vad")


def test_a_folder_whose_name_is_no_text_has_one_that_a_database_takes(
    bundle: Path, tmp_path: Path
) -> None:
    """As a folder with a Chinese name in GBK has, unpacked under UTF-8."""
    folder = tmp_path / os.fsdecode("模型".encode("gbk"))
    bundle.rename(folder)
    name = locate(str(folder)).asr.name
    assert "\ufffd" in name and name.encode()


@pytest.mark.parametrize("name", ["with  spaces ", "模型 (副本)#1", "50%", "-rf", "a:b,c;d"])
def test_a_folder_of_any_name_is_found(bundle: Path, name: str) -> None:
    folder = bundle.rename(bundle.with_name(name))
    linked = folder.with_name("current")
    linked.symlink_to(folder, target_is_directory=True)
    for place in (folder, linked, Path(f"{folder}/")):
        found = locate(str(place))
        assert (found.asr.name, found.vad.path) == (name, folder / "vad")


def test_a_network_without_frontend_and_tokenizer_needs_neither(bundle: Path) -> None:
    config_path = bundle / "punc" / "config.yaml"
    config = yaml.safe_load(config_path.read_text(encoding="utf-8"))
    config["tokenizer"] = config["frontend"] = None
    config_path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    (bundle / "punc" / "tokens.json").unlink()
    assert locate(str(bundle)).punc.path == bundle / "punc"


def test_a_checkpoint_of_torchs_older_kind_is_accepted(bundle: Path) -> None:
    torch = needs("torch", "worker")
    path = bundle / "vad" / "model.pt"
    state = torch.load(path, weights_only=True)
    torch.save(state, path, _use_new_zipfile_serialization=False)
    assert examine(bundle / "vad").problems == []


# --- revisions ---------------------------------------------------------------------------------


def test_the_demo_models_revisions_stay_what_they_were() -> None:
    """Transcripts of earlier versions carry them, and calibrations are found by them. The first is
    that of demo-3; demo-2 had 18ecbe160f22."""
    folders = locate("demo")
    revisions = [part.revision for part in (folders.asr, folders.vad, folders.punc)]
    assert revisions == ["8264dbc84fef", "3c5d6143bc02", "00effa097ac8"]
    assert revisions[0] == examine(demo_model.ASR_DIR).revision


def test_the_revision_of_a_folder_follows_its_content(bundle: Path, tmp_path: Path) -> None:
    memory = tmp_path / "models.json"
    before = examine(bundle / "vad", memory).revision
    with (bundle / "vad" / "config.yaml").open("a", encoding="utf-8") as config:
        config.write("\n# swapped\n")
    assert examine(bundle / "vad", memory).revision != before


def test_a_folder_is_read_once_and_remembered(bundle: Path, tmp_path: Path) -> None:
    memory = tmp_path / "models.json"
    read = examine(bundle / "asr", memory)
    known = json.loads(memory.read_text())
    known[str(bundle / "asr")]["revision"] = "remembered"
    memory.write_text(json.dumps(known))
    assert examine(bundle / "asr", memory).revision == "remembered"
    (bundle / "asr" / "model.pt").touch()
    assert examine(bundle / "asr", memory).revision == read.revision


def test_a_broken_folder_is_not_remembered_as_whole(bundle: Path, tmp_path: Path) -> None:
    memory = tmp_path / "models.json"
    damage(bundle / "asr" / "model.pt")
    assert examine(bundle / "asr", memory).problems
    assert examine(bundle / "asr", memory).problems


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}'])
def test_a_memory_that_makes_no_sense_is_ignored(
    bundle: Path, tmp_path: Path, content: str
) -> None:
    memory = tmp_path / "models.json"
    memory.write_text(content)
    assert examine(bundle / "vad", memory).revision == examine(bundle / "vad").revision


def test_a_memory_that_cannot_be_written_is_ignored(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = tmp_path / "file" / "models.json"
    assert examine(bundle / "vad", memory).revision == examine(bundle / "vad").revision


@pytest.mark.parametrize("part", ["asr", "vad"])
def test_a_broken_folder_is_told_before_the_engine_is_imported(
    bundle: Path, tmp_path: Path, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "worker.engine.funasr_recogniser", None)
    settings = Settings(data_dir=tmp_path, model=str(bundle), device="cpu")
    with pytest.raises(ImportError):
        load_configured_recogniser(settings, calibrate=False)
    (bundle / part / "model.pt").unlink()
    with pytest.raises(ModelUnavailable, match=f"{bundle / part}.*Copy the whole folder again"):
        load_configured_recogniser(settings, calibrate=False)


def test_finding_models_imports_neither_torch_nor_funasr() -> None:
    code = (
        "import sys; from worker.model_store.locate import locate; locate('demo');"
        "import worker.model_store.hubs.modelscope, worker.model_store.hubs.huggingface;"
        "sys.exit('torch' in sys.modules or 'funasr' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
