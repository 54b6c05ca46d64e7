"""`longscribe demo`: the sample meeting, all the way through a stack of its own, over HTTP."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr

from shared.cli.embedded.data_folder import StackFailed
from shared.cli.embedded.score import character_errors
from shared.cli.embedded.stack import Stack, running_stack
from shared.settings import Settings

_ALONE = {"sign_in": "off", "host": "127.0.0.1"}
"""Settings of the demo's server: its own client signs in nowhere, whatever the server that is set
up beside it asks for."""

_MOST_ERRORS_ALLOWED = 0.02
_JOB_TAKES_AT_MOST_S = 180.0
_POLL_S = 0.25
_ENDED = ("completed", "failed", "cancelled")


def run_demo(settings: Settings) -> bool:
    """Run the demo; whether the text is right. Leaves no process, and no folder that was not named.

    Raises StackFailed, after printing the ends of the logs, if there is no text to judge.
    """
    begun = time.monotonic()
    sample = _sample_meeting()
    with _data_folder(settings) as data_dir:
        settings = settings.model_copy(
            update={
                "data_dir": data_dir,
                "model": "demo",
                "database_url": "",
                "redis_url": SecretStr(""),
                "log_level": "WARNING",
                "minutes_url": "",
                **_ALONE,
            }
        )
        print(f"Starting Longscribe in {data_dir} (bundled model, {settings.device} device) ...")
        chosen_port = "port" in settings.model_fields_set
        with running_stack(settings, _say, any_free_port=not chosen_port) as stack:
            print(f"Ready at {stack.address} after {time.monotonic() - begun:.1f} s.", flush=True)
            try:
                return _transcribe(stack, sample, begun)
            except (requests.RequestException, StackFailed, KeyError, ValueError) as error:
                print(stack.log_tails(), file=sys.stderr)
                raise StackFailed(f"The demonstration failed: {error}") from error


def _sample_meeting() -> Path:
    # Found, not imported: this side of the house knows nothing of the worker.
    worker = find_spec("worker")
    for folder in (worker.submodule_search_locations or []) if worker else []:
        sample = Path(folder) / "demo_model" / "sample_meeting.flac"
        if sample.is_file():
            return sample
    raise StackFailed("The sample meeting is not part of this installation; use the repository.")


@contextmanager
def _data_folder(settings: Settings) -> Iterator[Path]:
    if "data_dir" in settings.model_fields_set:
        yield settings.data_dir.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="longscribe-demo-") as folder:
        yield Path(folder)


def _transcribe(stack: Stack, sample: Path, begun: float) -> bool:
    api = f"{stack.address}/api/v1/jobs"
    http = requests.Session()
    http.trust_env = False  # a proxy for the world outside is none for this machine
    with sample.open("rb") as audio:
        submitted = http.post(api, files={"file": (sample.name, audio, "audio/flac")}, timeout=30)
    if submitted.status_code != requests.codes.accepted:
        raise StackFailed(f"submitting answered {submitted.status_code}: {submitted.text[:500]}")
    job_url = f"{api}/{submitted.json()['id']}"
    print(f"Submitted {sample.name}; job {submitted.json()['id']}", flush=True)
    job = _follow(stack, http, job_url)
    if job["status"] != "completed":
        raise StackFailed(f"the job is {job['status']}: {job.get('error')}")
    answer = http.get(f"{job_url}/transcript", params={"format": "json"}, timeout=30)
    answer.raise_for_status()
    transcript = answer.json()
    print()
    for sentence in transcript["sentences"]:
        print(f"[{_clock(sentence['start'])}] {sentence['text']}")
    return _report(job, transcript, sample, time.monotonic() - begun)


def _follow(stack: Stack, http: requests.Session, job_url: str) -> dict[str, Any]:
    """Show progress until the job has ended; the job as it is then."""
    deadline = time.monotonic() + _JOB_TAKES_AT_MOST_S
    progress = _ProgressLine()
    while time.monotonic() < deadline:
        stack.tend()
        answer = http.get(job_url, timeout=10)
        answer.raise_for_status()
        job: dict[str, Any] = answer.json()
        progress.show(job)
        if job["status"] in _ENDED:
            progress.end()
            return job
        time.sleep(_POLL_S)
    raise StackFailed(f"the job did not end within {_JOB_TAKES_AT_MOST_S:.0f} s")


class _ProgressLine:
    """Progress shown in one line that changes on a terminal; elsewhere in a line for each stage."""

    def __init__(self) -> None:
        self._live = sys.stdout.isatty()
        self._shown = ""

    def show(self, job: dict[str, Any]) -> None:
        stage = job["stage"] or job["status"]
        percent = round(100 * job["progress"])
        if self._live:
            bar = "#" * (percent // 4)
            print(f"\r\033[K  {stage:<12} [{bar:<25}] {percent:3d} %", end="", flush=True)
        elif stage != self._shown:
            print(f"  {stage} ({percent} %)", flush=True)
        self._shown = stage

    def end(self) -> None:
        if self._live:
            print(flush=True)


def _clock(seconds: float) -> str:
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute:02d}:{second:02d}"


def _report(job: dict[str, Any], transcript: dict[str, Any], sample: Path, wall_s: float) -> bool:
    reference = json.loads(sample.with_suffix(".json").read_text(encoding="utf-8"))
    errors = character_errors(
        "".join(sentence["text"] for sentence in reference["sentences"]), transcript["text"]
    )
    right = errors.rate <= _MOST_ERRORS_ALLOWED
    batch = job["batch"]
    print(f"""
Text:      {errors.errors} of {errors.characters} characters wrong, CER {errors.rate:.2%} \
(at most {_MOST_ERRORS_ALLOWED:.0%} passes): {"right" if right else "WRONG"}
Speed:     {job["audio_duration"]:.1f} s of audio, {job["real_time_factor_x"]:.1f} x real time
Batch:     batch_size_s={batch["batch_size_s"]:.0f}: {batch["reason"]}
Wall time: {wall_s:.1f} s from start to transcript""")
    return right


def _say(text: str) -> None:
    print(f"  {text}", flush=True)
