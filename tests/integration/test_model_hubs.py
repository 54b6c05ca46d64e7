"""`longscribe models` with the real clients of both hubs, against a hub on loopback."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.settings import CAMPPLUS, CT_PUNC, FSMN_VAD, PARAFORMER_LARGE
from tests.support import zygote
from tests.support.doubles.model_hubs import FakeHub, serving
from worker import demo_model
from worker.model_store.locate import locate

MODELS = {
    PARAFORMER_LARGE: demo_model.ASR_DIR,
    FSMN_VAD: demo_model.VAD_DIR,
    CT_PUNC: demo_model.PUNC_DIR,
    CAMPPLUS: demo_model.SPK_DIR,
    "funasr/paraformer-zh": demo_model.ASR_DIR,
    "funasr/fsmn-vad": demo_model.VAD_DIR,
    "funasr/ct-punc": demo_model.PUNC_DIR,
    "funasr/campplus": demo_model.SPK_DIR,
}
"""The bundled networks under the names of the real ones."""

HUBS = ("modelscope", "huggingface")


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with serving(FakeHub(dict(MODELS))) as running:
        yield running


class Machine:
    """One with empty caches, and what a person types on it."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = environment

    def models(
        self, *arguments: str, room: int = resource.RLIM_INFINITY
    ) -> subprocess.CompletedProcess[str]:
        """What `longscribe models` goes on as; `room`: bytes that a file may grow to, in place of a
        full disk."""
        done = zygote.run(
            [sys.executable, "-m", "worker.model_store", *arguments],
            env=self._whole_environment(),
            file_bytes=room,
        )
        outputs = [output.decode() for output in (done.stdout, done.stderr)]
        return subprocess.CompletedProcess(done.args, done.returncode, *outputs)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """The command as a person types it, not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "shared.cli", "models", *arguments],
            env=self._whole_environment(),
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def locates(self, vad_model: str, *, offline: bool) -> str:
        """What a worker says that looks for this model of voice activity."""
        program = (
            "from shared.errors import ModelUnavailable\n"
            "from shared.settings import load_settings\n"
            "from worker.model_store.locate import locate_configured\n"
            "try:\n    print(locate_configured(load_settings()).vad.path)\n"
            "except ModelUnavailable as error:\n    print(error.message)"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={
                **self._whole_environment(),
                "LONGSCRIBE_MODEL": str(demo_model.ASR_DIR),
                "LONGSCRIBE_VAD_MODEL": vad_model,
                "LONGSCRIBE_PUNC_MODEL": str(demo_model.PUNC_DIR),
                "LONGSCRIBE_MODEL_OFFLINE": str(offline),
            },
            capture_output=True,
            text=True,
            timeout=240,
            check=True,
        )
        return done.stdout

    def _whole_environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {
            **kept,
            "MODELSCOPE_CACHE": str(self.folder / "modelscope"),
            "HF_HOME": str(self.folder / "huggingface"),
            "HF_HUB_DISABLE_XET": "1",
            "LONGSCRIBE_DATA_DIR": str(self.folder),
            "LONGSCRIBE_MODEL": "paraformer-zh"
            if self.environment["LONGSCRIBE_MODEL_HUB"] == "huggingface"
            else PARAFORMER_LARGE,
            **self.environment,
        }

    def checkpoint(self) -> Path:
        """Of voice activity, in the hub's cache."""
        [found] = [
            path
            for path in self.folder.rglob("snapshots/*/model.pt")
            if "fsmn" in str(path) and path.exists()
        ]
        return found


@pytest.fixture(params=HUBS)
def machine(request: pytest.FixtureRequest, hub: FakeHub, tmp_path: Path) -> Machine:
    return Machine(tmp_path, getattr(hub, f"{request.param}_environment"))


def assert_one_line(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    told = done.stderr.strip().splitlines()[-1]
    assert len(told) < 600
    for part in parts:
        assert part in told, done.stderr


def test_the_models_of_the_settings_are_fetched_and_then_whole(
    machine: Machine, hub: FakeHub
) -> None:
    assert machine.models("check").returncode == 1
    assert "is not on this machine" in machine.locates("fsmn-vad", offline=True)
    done = machine.models("download")
    assert done.returncode == 0, done
    fetched = [name for name, _ in hub.asked]
    assert fetched.count("model.pt") == 4 and fetched.count("tokens.json") == 2
    hub.asked.clear()
    checked = machine.models("check", "--json")
    assert checked.returncode == 0, checked
    assert [part["is_whole"] for part in json.loads(checked.stdout)] == [True] * 4
    assert machine.models("download").returncode == 0
    assert hub.asked == []  # all of it is there
    listed = json.loads(machine.models("list", "--json").stdout)
    here = {model["alias"] for model in listed if model["path"]}
    assert here >= {"fsmn-vad", "ct-punc", "cam++"} and len(here) == 4


def test_all_is_well_without_the_model_that_tells_voices_apart(
    hub: FakeHub, tmp_path: Path
) -> None:
    machine = Machine(tmp_path, hub.modelscope_environment)
    assert machine.models("download", PARAFORMER_LARGE, "fsmn-vad", "ct-punc").returncode == 0
    checked = machine.models("check")
    assert checked.returncode == 0, checked
    assert f"spk  {CAMPPLUS}\n     not on this machine" in checked.stdout
    assert machine.models("download", "cam++").returncode == 0
    assert "not on this machine" not in machine.models("check").stdout


def test_what_was_left_half_is_fetched_again_and_offline_is_told(
    machine: Machine, hub: FakeHub
) -> None:
    assert machine.models("download", "fsmn-vad").returncode == 0
    whole = machine.checkpoint().read_bytes()
    with machine.checkpoint().open("r+b") as file:
        file.truncate(len(whole) // 2)
    checked = machine.models("check", "--json")
    assert checked.returncode == 1
    [vad] = [part for part in json.loads(checked.stdout) if part["role"] == "vad"]
    assert vad["problems"] == ["has a model.pt that is cut short"]
    hub.asked.clear()
    told = machine.locates("fsmn-vad", offline=True)
    assert "has a model.pt that is cut short" in told and "fetched again as soon as" in told
    assert hub.asked == []
    assert machine.models("download", "fsmn-vad").returncode == 0
    assert machine.checkpoint().read_bytes() == whole


def test_what_looks_whole_is_fetched_again_where_a_person_says_so(
    machine: Machine, hub: FakeHub
) -> None:
    """A list of tokens says nowhere how long it is."""
    whole = machine.models("download", "fsmn-vad").stdout
    config = machine.checkpoint().with_name("config.yaml")
    config.write_text(config.read_text().replace("0.0001", "0.0002"))
    swapped = machine.models("download", "fsmn-vad").stdout
    assert swapped.split() != whole.split()
    hub.asked.clear()
    assert machine.models("download", "--again", "fsmn-vad").stdout.split() == whole.split()
    assert {name for name, _ in hub.asked} >= {"config.yaml", "model.pt", "am.mvn"}


def test_a_folder_to_carry_is_all_that_another_machine_needs(
    machine: Machine, tmp_path: Path
) -> None:
    carried = tmp_path / "carry"
    done = machine.models("download", "--to", str(carried))
    assert done.returncode == 0, done
    assert "set LONGSCRIBE_MODEL to where it lies there" in done.stdout
    names = sorted(str(path.relative_to(carried)) for path in carried.rglob("*") if path.is_file())
    assert names == [
        *("asr/am.mvn", "asr/config.yaml", "asr/model.pt", "asr/seg_dict", "asr/tokens.json"),
        *("punc/config.yaml", "punc/model.pt", "punc/tokens.json"),
        *("spk/config.yaml", "spk/model.pt"),
        *("vad/am.mvn", "vad/config.yaml", "vad/model.pt"),
    ]
    folders = locate(str(carried), offline=True)
    assert folders.asr.revision == locate("demo", offline=True).asr.revision


def test_a_download_that_was_cut_goes_on_where_it_stopped(hub: FakeHub, tmp_path: Path) -> None:
    machine = Machine(tmp_path, hub.modelscope_environment)
    hub.breaks_off_after = {"model.pt": 90_000}
    done = machine.models("download", "fsmn-vad")
    assert done.returncode == 0, done
    assert [first for name, first in hub.asked if name == "model.pt"] == [0, 90_000, 180_000]
    assert machine.checkpoint().read_bytes() == (demo_model.VAD_DIR / "model.pt").read_bytes()


def test_ctrl_c_ends_a_download_with_130_and_the_next_one_completes_it(
    machine: Machine, hub: FakeHub
) -> None:
    hub.halts_after = {"model.pt": 90_000}
    running = machine.begin("download", "fsmn-vad")
    try:
        assert hub.halted.wait(240)
        running.send_signal(signal.SIGINT)
        _, told = running.communicate(timeout=240)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == 130, told
    assert "Traceback" not in told
    assert told.strip().splitlines()[-1].startswith("Stopped.")
    hub.halts_after = {}
    hub.let_go.set()
    assert machine.models("download", "fsmn-vad").returncode == 0
    assert machine.checkpoint().read_bytes() == (demo_model.VAD_DIR / "model.pt").read_bytes()


def test_a_hub_that_has_it_not_or_half_is_told_in_a_line(machine: Machine, hub: FakeHub) -> None:
    assert_one_line(machine.models("download", "somebody/model"), "has no model somebody/model")
    hub.hides = {"am.mvn"}
    assert_one_line(machine.models("download", "fsmn-vad"), "am.mvn", "which its config needs")
    hub.hides = set()
    hub.refuses = 403
    assert_one_line(machine.models("download", "fsmn-vad"), "fsmn", "Try again")


def test_bytes_that_are_not_the_hubs_are_not_taken(machine: Machine, hub: FakeHub) -> None:
    real = (demo_model.VAD_DIR / "model.pt").read_bytes()
    hub.lies = {"model.pt": real[:100_000] + bytes(20_000) + real[120_000:]}
    assert_one_line(machine.models("download", "fsmn-vad"), "model.pt")
    hub.lies = {}
    assert machine.models("download", "fsmn-vad").returncode == 0
    assert machine.checkpoint().read_bytes() == real


def test_a_disk_that_is_full_is_told_and_the_next_try_goes_on(hub: FakeHub, tmp_path: Path) -> None:
    # ModelScope's client tells the same, after it has tried again for half a minute.
    machine = Machine(tmp_path, hub.huggingface_environment)
    assert_one_line(machine.models("download", "fsmn-vad", room=100_000), "disk is full", "try")
    assert machine.models("download", "fsmn-vad").returncode == 0


@pytest.mark.parametrize("name", HUBS)
def test_a_hub_that_cannot_be_reached_is_told_in_a_line(
    name: str, hub: FakeHub, tmp_path: Path
) -> None:
    hub.url = "http://127.0.0.1:9"  # nobody listens there
    machine = Machine(tmp_path, getattr(hub, f"{name}_environment"))
    assert_one_line(machine.models("download", "fsmn-vad"), "could not be downloaded")


def test_names_that_do_not_run_are_refused_before_anything_is_asked(
    machine: Machine, hub: FakeHub
) -> None:
    for name in ("paraformer", "Whisper-large-v3", "paraformer-zh-streaming", "no-such"):
        assert_one_line(machine.models("download", name), name, "Take ")
    assert hub.asked == []


def test_the_same_name_with_other_contents_is_another_revision(
    hub: FakeHub, tmp_path: Path
) -> None:
    machine = Machine(tmp_path / "one", hub.modelscope_environment)
    machine.folder.mkdir()
    first = machine.models("download", "fsmn-vad").stdout.split()[-3]
    other = tmp_path / "other"
    other.mkdir()
    for file in demo_model.VAD_DIR.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "am.mvn").write_text((other / "am.mvn").read_text().replace("0.1", "0.2", 1))
    hub.models[FSMN_VAD] = other
    again = Machine(tmp_path / "two", hub.modelscope_environment)
    again.folder.mkdir()
    assert again.models("download", "fsmn-vad").stdout.split()[-3] != first
