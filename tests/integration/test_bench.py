"""`longscribe bench` with real networks: the bundled ones, and random ones of a tiny size."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from shared.settings import Settings
from tests.support.speech import speech_models
from tests.support.stack_without_http import as_wav
from worker.bench.measure import measure
from worker.engine.firered.conformer import EncoderShape
from worker.engine.firered.decoder import DecoderShape
from worker.engine.firered.load_firered import FireRedAsrAed
from worker.engine.funasr_recogniser import load_recogniser
from worker.engine.reference.random_model import (
    BICIF,
    SEACO,
    SIZES,
    ModelSizes,
    make_random_model,
)
from worker.engine.reference.random_model.configs import (
    asr_config,
    punc_config,
    sensevoice_config,
    vad_config,
)
from worker.recogniser import EMPTY_REQUEST

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
    punc_linear=32,
    punc_vocabulary=400,
    punc_words=20,
)


PARTS = ("asr", "vad", "punc")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    file = tmp_path / "excerpt.wav"
    file.write_bytes(as_wav(speech_models.excerpt(0, 30)))
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


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a random model."""
    folder = tmp_path_factory.mktemp("tiny")
    make_random_model(folder, speech_models.meeting(), TINY)
    return folder


def test_a_random_model_finds_speech_hears_words_and_sets_marks(tiny: Path) -> None:
    recogniser = load_recogniser(str(tiny), device="cpu", cpu_threads=1)
    pcm = speech_models.meeting()
    detector = recogniser.voice_activity()
    spans = detector.feed(pcm) + detector.finish()
    assert len(spans) > 10
    assert 0.5 < sum(span.seconds for span in spans) / (len(pcm) / 16_000) < 0.98
    words = [
        word.word
        for span in spans
        for word in recogniser.recognise([pcm[span.start : span.end]], EMPTY_REQUEST)[0].words
    ]
    assert 2 < len(words) / (len(pcm) / 16_000) < 6
    marks = recogniser.punctuate(words)
    assert 0.02 < sum(map(bool, marks)) / len(marks) < 0.5


def test_a_random_model_is_the_same_each_time_and_can_be_measured(
    tiny: Path, tmp_path: Path, recording: Path
) -> None:
    folders = [tiny, tmp_path / "two"]
    make_random_model(folders[1], speech_models.meeting(), TINY)
    one, two = (load_recogniser(str(folder), device="cpu").identity for folder in folders)
    assert one.revision == two.revision
    measured = measure(recording, ["60"], Settings(model=str(folders[0]), device="cpu"))
    assert all(size.segments_differing == 0 for size in measured.sizes)


@pytest.mark.parametrize(
    "sizes", [sizes for sizes in SIZES.values() if sizes.asr_class in (BICIF, SEACO)]
)
def test_the_large_sizes_are_those_of_paraformer_large(sizes: ModelSizes) -> None:
    asr, vad = asr_config(sizes), vad_config(sizes)
    assert asr["encoder_conf"]["output_size"] == asr["predictor_conf"]["idim"] == 512
    assert asr["encoder_conf"]["num_blocks"] == 50
    assert asr["decoder_conf"]["num_blocks"] == asr["decoder_conf"]["att_layer_num"] == 16
    assert sizes.asr_vocabulary == 8_404
    assert vad["encoder_conf"]["output_dim"] == 248


def test_sensevoices_sizes_are_those_of_the_hubs() -> None:
    sizes = SIZES["large-sensevoice"]
    encoder = sensevoice_config(sizes)["encoder_conf"]
    assert (encoder["num_blocks"], encoder["tp_blocks"]) == (50, 20)
    assert (encoder["output_size"], encoder["linear_units"]) == (512, 2_048)
    assert sizes.asr_vocabulary == 25_055


def test_fireredasr2s_sizes_are_those_of_the_published_checkpoint() -> None:
    sizes = SIZES["large-firered"]
    width, heads = sizes.asr_width, sizes.asr_heads
    with torch.device("meta"):
        model = FireRedAsrAed(
            EncoderShape(80, sizes.asr_encoder_blocks, heads, width, 33),
            DecoderShape(sizes.asr_decoder_blocks, heads, width, sizes.asr_vocabulary),
        )
    numbers = sum(parameter.numel() for parameter in model.parameters())
    positions = (9_999 + 5_000) * width
    # The output layer shares its weights with the embedding, and stands in the file once more.
    twice = sizes.asr_vocabulary * width
    assert 4 * (numbers + positions + twice) == pytest.approx(4_731_558_506, rel=1e-4)


def test_seaco_is_bicif_and_a_decoder_for_hotwords() -> None:
    seaco = asr_config(SIZES["large-seaco"])
    assert seaco["model"] == SEACO
    assert (seaco["model_conf"]["inner_dim"], seaco["model_conf"]["NO_BIAS"]) == (512, 8_377)
    decoder = seaco["seaco_decoder_conf"]
    assert (decoder["num_blocks"], decoder["kernel_size"]) == (4, 21)
    assert decoder["wo_input_layer"] and not decoder["use_output_layer"]
    bicif = asr_config(SIZES["large"])
    assert "seaco_decoder" not in bicif and "NO_BIAS" not in bicif["model_conf"]


@pytest.mark.parametrize(
    ("name", "vocabulary", "parameters"),
    [("large", 471_067, 281e6), ("large-ct-punc-c", 272_727, 73e6)],
)
def test_the_punctuation_has_the_sizes_of_the_hubs(
    name: str, vocabulary: int, parameters: float
) -> None:
    sizes = SIZES[name]
    network = punc_config(sizes)["encoder_conf"]
    width, linear = network["output_size"], network["linear_units"]
    block = 4 * width * (width + 1) + 11 * width + 2 * width * linear + linear + 5 * width
    assert sizes.punc_vocabulary == vocabulary
    counted = vocabulary * width + network["num_blocks"] * block
    assert counted == pytest.approx(parameters, rel=0.01)


def test_a_random_models_folders_hold_what_the_hubs_do(tmp_path: Path) -> None:
    make_random_model(tmp_path, speech_models.excerpt(0, 30), replace(TINY, asr_class=SEACO))
    held = {part: {file.name for file in (tmp_path / part).iterdir()} for part in PARTS}
    described = {"config.yaml", "configuration.json", "model.pt"}
    assert held["asr"] == described | {"am.mvn", "tokens.json", "seg_dict"}
    assert held["vad"] == described | {"am.mvn"}
    assert held["punc"] == described | {"tokens.json", "jieba_usr_dict"}
    config = yaml.safe_load((tmp_path / "asr" / "config.yaml").read_text(encoding="utf-8"))
    training = {"specaug", "train_conf", "optim", "scheduler", "dataset", "ctc_conf", "normalize"}
    assert training <= set(config)
    for part in PARTS:
        named = json.loads((tmp_path / part / "configuration.json").read_text())["file_path_metas"]
        assert set(_files(named)) == held[part] - {"configuration.json"}


def _files(named: dict[str, Any]) -> list[str]:
    """The file names in a configuration.json, however deep."""
    return [
        name
        for value in named.values()
        for name in (_files(value) if isinstance(value, dict) else [value])
    ]
