"""A second family of models needs a loader and one line in the register, and nothing else."""

from __future__ import annotations

import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pytest
import torch
import yaml

from shared.errors import ModelUnavailable
from shared.transcripts.values import Word
from tests.support.speech import speech_models as speech
from worker import demo_model
from worker.batching.batch_packing import plan_batches
from worker.engine import family_registry
from worker.engine.family import Family, ProbeBatches, ProbeShape
from worker.engine.fbank import Fbank
from worker.engine.funasr_recogniser import load_recogniser
from worker.engine.precision import TORCH, Precision
from worker.memory.batch_memory_model import MemoryModel
from worker.model_store.locate import ModelFolder
from worker.pass_cost import PassCost
from worker.recogniser import SAMPLE_RATE, Pcm, RecognisedSpan, RecognitionRequest

LONGEST_SPAN_S = 8.0


class Counter:
    """A network that says how many samples it hears. Its spans are short, it takes hotwords, and
    its words bring their marks along."""

    languages = ("en", "zh")
    accepts_hotwords = True
    punctuates = True
    is_batch_invariant = True
    runtime = TORCH
    longest_span_s = LONGEST_SPAN_S
    memory_estimate = MemoryModel(fixed_bytes=1e6, bytes_per_second=1e3)
    usual_pass_cost = PassCost(3.0)
    stages: ClassVar[Mapping[str, str]] = {}
    probes = ProbeBatches(
        warm_up=ProbeShape(1, 1.0),
        memory=(ProbeShape(2, 2.0), ProbeShape(4, 2.0)),
        memory_on_gpu=(),
        cost=(ProbeShape(1, 1.0), ProbeShape(1, 2.0), ProbeShape(4, 2.0)),
    )

    def __init__(self) -> None:
        self.batches: list[tuple[int, int]] = []
        """Spans and samples of the longest, of each that was recognised."""

    def recognise(self, speech: Sequence[Pcm], request: RecognitionRequest) -> list[RecognisedSpan]:
        self.batches.append((len(speech), max(map(len, speech))))
        return [
            RecognisedSpan(
                tuple(Word(text, 0.0, 0.1) for text in (f"{len(pcm)}.", *request.hotwords)), "en"
            )
            for pcm in speech
        ]


def _load(folder: ModelFolder, device: torch.device, fbank: Fbank, precision: Precision) -> Counter:
    assert (folder.path / "config.yaml").is_file()
    assert precision.name == "float32"
    return Counter()


COUNTERS = Family(classes=("Counter",), load=_load, choose="Take a counter")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the bundled voice activity and punctuation, whose recogniser is a Counter."""
    for source in (demo_model.ASR_DIR, demo_model.VAD_DIR, demo_model.PUNC_DIR):
        shutil.copytree(source, tmp_path / source.name)
    path = tmp_path / "asr" / "config.yaml"
    config = yaml.safe_load(path.read_text()) | {"model": "Counter"}
    path.write_text(yaml.safe_dump(config))
    return tmp_path


def test_its_models_go_from_their_folder_through_a_plan_to_words(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family_registry, "FAMILIES", (*family_registry.FAMILIES, COUNTERS))
    recogniser = load_recogniser(str(folder), device="cpu")
    assert recogniser.languages == ("en", "zh")
    assert recogniser.punctuates
    assert recogniser.longest_span_s == LONGEST_SPAN_S
    detector = recogniser.voice_activity()
    meeting = speech.meeting()
    spans = [*detector.feed(meeting), *detector.finish()]
    assert spans
    assert max(span.seconds for span in spans) <= LONGEST_SPAN_S
    batches = plan_batches(spans, 60.0, pass_cost=recogniser.pass_cost)
    request = RecognitionRequest(hotwords=("Longscribe",), language="en")
    heard: dict[int, RecognisedSpan] = {}
    for batch in batches.batches:
        chosen = [spans[index] for index in batch.indices]
        said = recogniser.recognise([meeting[s.start : s.end] for s in chosen], request)
        heard |= dict(zip(batch.indices, said, strict=True))
    assert [[word.word for word in heard[i].words] for i in range(len(spans))] == [
        [f"{span.end - span.start}.", "Longscribe"] for span in spans
    ]


def test_its_memory_is_estimated_by_itself_and_measured_as_any(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(family_registry, "FAMILIES", (COUNTERS,))
    recogniser = load_recogniser(str(folder), device="cpu")
    assert not recogniser.memory_model.calibrated
    assert math.isclose(recogniser.memory_model.bytes_per_second / 2.2, 1e3)
    assert recogniser.pass_cost == Counter.usual_pass_cost
    network = recogniser._speech_network
    network.batches.clear()
    recogniser.calibrate(tmp_path / "calibration")  # it needs no memory, which fits no model
    assert network.batches == [(1, SAMPLE_RATE), (2, 2 * SAMPLE_RATE), (4, 2 * SAMPLE_RATE)]
    assert not recogniser.memory_model.calibrated


def test_one_that_punctuates_itself_needs_no_punctuation(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(family_registry, "FAMILIES", (COUNTERS,))
    config = folder / "punc" / "config.yaml"
    config.write_text(config.read_text().replace("CTTransformer", "Unheard"))
    recogniser = load_recogniser(str(folder), device="cpu")
    assert recogniser.punctuate(["1.", "2."]) == ["", ""]
    with (folder / "punc" / "tokens.json").open("a") as file:
        file.write("\n")  # other weights of what is not run are the same recogniser
    assert load_recogniser(str(folder), device="cpu").identity == recogniser.identity


def test_a_class_of_no_family_is_refused_with_all_that_there_are(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(
        ModelUnavailable, match="class Counter; Longscribe runs BiCifParaformer and SeacoParaformer"
    ):
        load_recogniser(str(folder), device="cpu")
