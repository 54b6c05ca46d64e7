"""The bundled model, loaded as anyone would load it, hears what the bundled meeting says."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
import soundfile

from worker.demo_model import (
    ASR_DIR,
    PUNC_DIR,
    REVISION,
    SAMPLE_MEETING,
    SAMPLE_REFERENCE,
    VAD_DIR,
)

SAMPLE_RATE = 16_000


def comparable(text: str) -> str:
    return re.sub(r"[^A-Z\u4e00-\u9fff]", "", text.upper())


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    return dict(json.loads(SAMPLE_REFERENCE.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def no_network() -> Iterator[None]:
    def refuse(*arguments: object) -> None:
        raise AssertionError("the bundled model must load and run without a network")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        yield


@pytest.fixture(scope="module")
def pipeline(no_network: None) -> Any:
    from funasr import AutoModel

    return AutoModel(
        model=str(ASR_DIR),
        vad_model=str(VAD_DIR),
        punc_model=str(PUNC_DIR),
        device="cpu",
        disable_update=True,
        disable_pbar=True,
    )


def transcribe(pipeline: Any, audio: np.ndarray) -> dict[str, Any]:
    # Without max_end_silence_time FunASR changes the silence that ends a segment as it goes.
    results = pipeline.generate(input=audio, max_end_silence_time=800)
    return dict(results[0]) if results else {"text": "", "timestamp": []}


@pytest.fixture(scope="module")
def transcript(pipeline: Any) -> dict[str, Any]:
    audio, rate = soundfile.read(SAMPLE_MEETING, dtype="float32")
    assert rate == SAMPLE_RATE
    return transcribe(pipeline, audio)


def test_the_sample_meeting_is_recognised(
    transcript: dict[str, Any], reference: dict[str, Any]
) -> None:
    expected = "".join(sentence["text"] for sentence in reference["sentences"])
    # A weight missing from model.pt stays random without an error, so only text proves the load.
    assert jiwer.cer(comparable(expected), comparable(transcript["text"])) <= 0.02


def test_sentences_end_where_the_reference_ends_them(
    transcript: dict[str, Any], reference: dict[str, Any]
) -> None:
    ends = re.findall(r"[。？.?]", transcript["text"])
    assert len(ends) == pytest.approx(len(reference["sentences"]), rel=0.1)


def test_words_are_timed_to_within_a_tenth_of_a_second(
    transcript: dict[str, Any], reference: dict[str, Any]
) -> None:
    starts = [word["start"] for sentence in reference["sentences"] for word in sentence["words"]]
    heard = [start / 1000 for start, _ in transcript["timestamp"]]
    nearest = [min(abs(start - candidate) for candidate in heard) for start in starts]
    assert float(np.median(nearest)) <= 0.05
    assert float(np.percentile(nearest, 95)) <= 0.15


@pytest.mark.parametrize("level", [None, -60, -40, -20])
def test_nothing_is_heard_in_silence_or_noise(pipeline: Any, level: float | None) -> None:
    audio = np.zeros(5 * SAMPLE_RATE, np.float32)
    if level is not None:
        noise = np.random.default_rng(7).standard_normal(len(audio), dtype=np.float32)
        audio += noise * np.float32(10 ** (level / 20))
    assert transcribe(pipeline, audio)["text"] == ""


def test_the_reference_is_in_order_and_within_the_recording(reference: dict[str, Any]) -> None:
    recording = soundfile.info(SAMPLE_MEETING)
    assert recording.samplerate == SAMPLE_RATE
    assert reference["duration"] == pytest.approx(recording.duration, abs=0.001)
    assert 120 <= reference["duration"] <= 180
    clock = 0.0
    for sentence in reference["sentences"]:
        words = sentence["words"]
        assert [word["word"] for word in words] == re.findall(
            r"[A-Z]+|[\u4e00-\u9fff]", sentence["text"]
        )
        assert (sentence["start"], sentence["end"]) == (words[0]["start"], words[-1]["end"])
        for word in words:
            assert clock <= word["start"] < word["end"] <= reference["duration"]
            clock = word["start"]
        assert clock <= sentence["end"]
        clock = sentence["end"]
    assert len({sentence["speaker"] for sentence in reference["sentences"]}) == 4


def test_the_folders_are_complete_and_small() -> None:
    for folder, needed in (
        (ASR_DIR, {"config.yaml", "model.pt", "tokens.json", "am.mvn", "seg_dict"}),
        (VAD_DIR, {"config.yaml", "model.pt", "am.mvn"}),
        (PUNC_DIR, {"config.yaml", "model.pt", "tokens.json"}),
    ):
        assert {path.name for path in folder.iterdir()} >= needed
    package = Path(ASR_DIR).parent
    files = [path for path in package.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 15e6
    assert SAMPLE_MEETING.stat().st_size <= 3e6


def test_the_model_card_cites_the_measured_figures() -> None:
    package = Path(ASR_DIR).parent
    card = (package / "README.md").read_text(encoding="utf-8")
    figures = json.loads((package / "evaluation.json").read_text(encoding="utf-8"))
    assert REVISION in card
    for cited in (
        figures["cer_percent"]["template_sentences"],
        figures["cer_percent"]["unscripted_sentences"],
        figures["sample_meeting"]["cer_percent"],
        figures["ten_minute_meeting"]["word_start_error_ms_median"],
        figures["ten_minute_meeting"]["punctuation_f1_percent"],
        *figures["hotwords"]["recall_percent"].values(),
        *figures["hotwords"]["cer_percent_ordinary"].values(),
    ):
        assert f"{cited:g}" in card


def test_importing_the_package_needs_neither_torch_nor_the_recipe() -> None:
    check = (
        "import sys, worker.demo_model;"
        "heavy = {'torch', 'funasr', 'numpy', 'espeakng_loader', 'soxr', 'scipy'};"
        "loaded = heavy & {*sys.modules};"
        "sys.exit(repr(loaded) if loaded else 0)"
    )
    subprocess.run([sys.executable, "-c", check], check=True)
