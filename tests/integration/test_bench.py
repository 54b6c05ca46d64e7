"""`longscribe bench` with real networks: the bundled ones, and random ones of a tiny size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from shared.settings import Settings
from tests import speech_models as speech
from tests.installation import as_wav
from worker.bench.measure import measure
from worker.engine import load_recogniser
from worker.engine.random_model import LARGE, ModelSizes, make_random_model
from worker.engine.random_model.sizes import asr_config, punc_config, vad_config

TINY = ModelSizes(
    asr_width=32,
    asr_encoder_blocks=2,
    asr_decoder_blocks=1,
    asr_heads=2,
    asr_vocabulary=300,
    vad_affine=24,
    vad_layers=2,
    vad_linear=24,
    vad_projection=16,
    vad_outputs=8,
    punc_width=16,
    punc_blocks=1,
    punc_heads=2,
    punc_vocabulary=400,
)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "excerpt.wav"
    file.write_bytes(as_wav(speech.excerpt(0, 30)))
    return file


def test_every_size_hears_the_same_and_stock_funasr_does_too(recording: Path) -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "shared.cli", "bench", str(recording), "--json"),
            *("--batch-size-s", "10,60,auto", "--compare-funasr", "--model", "demo"),
            *("--device", "cpu"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    measured = json.loads(done.stdout)
    assert measured["recording"]["seconds"] == pytest.approx(30)
    assert measured["recording"]["segments"] > 3
    assert measured["model"]["is_demo"] is True
    assert [size["asked"] for size in measured["sizes"]] == ["alone", "10", "60", "auto"]
    for size in measured["sizes"]:
        assert size["same_text"] and size["times_equal"]
        assert size["recognition"]["cpu_s"] > 0
        assert size["peak_bytes"] > 100e6
        assert 1 <= size["batches"] <= measured["recording"]["segments"]
    assert measured["sizes"][3]["decision"]["batch_size_s"] == 300
    (stock,) = measured["stock"]  # on a CPU FunASR has but one size
    assert stock["batch_size_s"] is None
    assert stock["same_words"] is True
    assert stock["whole"]["cpu_s"] > 0
    assert stock["peak_bytes"] > 100e6


def test_a_random_model_finds_speech_hears_words_and_sets_marks(tmp_path: Path) -> None:
    make_random_model(tmp_path, speech.meeting(), TINY)
    recogniser = load_recogniser(str(tmp_path), device="cpu", cpu_threads=1)
    pcm = speech.meeting()
    detector = recogniser.voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    assert len(spans) > 10
    assert 0.5 < sum(span.seconds for span in spans) / (len(pcm) / 16_000) < 0.98
    words = [
        word.word
        for span in spans
        for word in recogniser.recognise([pcm[span.start : span.end]])[0]
    ]
    assert 2 < len(words) / (len(pcm) / 16_000) < 6
    marks = recogniser.punctuate(words)
    assert 0.02 < sum(map(bool, marks)) / len(marks) < 0.5


def test_a_random_model_is_the_same_each_time_and_can_be_measured(
    tmp_path: Path, recording: Path
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        make_random_model(folder, speech.meeting(), TINY)
    one, two = (load_recogniser(str(folder), device="cpu").identity for folder in folders)
    assert one.revision == two.revision
    measured = measure(recording, ["60"], Settings(model=str(folders[0]), device="cpu"))
    assert all(size.segments_differing == 0 for size in measured.sizes)


def test_the_large_sizes_are_those_of_paraformer_large() -> None:
    asr, vad, punc = asr_config(LARGE), vad_config(LARGE), punc_config(LARGE)
    assert asr["encoder_conf"]["output_size"] == asr["predictor_conf"]["idim"] == 512
    assert asr["encoder_conf"]["num_blocks"] == 50
    assert asr["decoder_conf"]["num_blocks"] == asr["decoder_conf"]["att_layer_num"] == 16
    assert vad["encoder_conf"]["output_dim"] == 248
    assert punc["model_conf"]["embed_unit"] == 256
    assert (LARGE.asr_vocabulary, LARGE.punc_vocabulary) == (8_404, 272_727)
