"""FunASR's own export of Paraformer to ONNX beside ours: processor seconds, and the text."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import jiwer
import pytest
import torch
import yaml

from tests.bench.measuring.in_turn import describe, in_turn, spans_of_a_meeting
from tests.support.speech import speech_models
from tests.support.thorough import needs
from worker import demo_model
from worker.batching.batch_packing import plan_batches
from worker.engine.fbank import Fbank
from worker.engine.paraformer.load_paraformer import load_paraformer
from worker.engine.paraformer.network import Paraformer
from worker.engine.precision import Precision
from worker.engine.reference.random_model import SIZES, make_random_model
from worker.model_store.config_yaml import CONFIG, read_config
from worker.model_store.locate import ModelFolder
from worker.pass_cost import PassCost
from worker.recogniser import Pcm, SpeechSpan

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

CPU = torch.device("cpu")
SECONDS = {"bundled": 174, "large": 72}
ROUNDS = 3
BATCH_SIZE_S = 300.0
PADDED = PassCost(2.0)
"""What another pass costs the export, which pads."""
LEAST = 1.0
"""The export's seconds over ours, the large network, in either precision."""

Batches = list[list[int]]
"""Numbers of spans."""


@pytest.mark.parametrize("size", ["bundled", "large"])
def test_ours_beside_the_export_of_funasr(size: str, tmp_path: Path) -> None:
    """Ours from samples to words with their times, the export from features to tokens alone, in
    batches padded as little as one that pads may be.

    Right is what ours says of a span by itself in float32, which is what `generate()` says.
    """
    needs("onnxruntime", "worker")
    from tests.bench.measuring.stock_export import FILES, StockExport, export_as_stock, padded
    from worker.engine.paraformer.onnxruntime_paraformer import ParaformerInOnnxRuntime

    torch.set_num_threads(1)
    path = tmp_path / "asr"
    if size == "bundled":
        _bundled_without_hotwords(path)
    else:
        make_random_model(tmp_path, speech_models.meeting(), SIZES[size])
    folder = ModelFolder(size, path, "1")
    export_as_stock(path, tmp_path)

    # What LONGSCRIBE_CPU_RUNTIME=auto takes in each.
    exact = Paraformer(load_paraformer(folder, CPU), Fbank(CPU), CPU)
    in_8_bits = Precision("int8", CPU, "onnxruntime")
    rounded = ParaformerInOnnxRuntime(load_paraformer(folder, CPU), Fbank(CPU), CPU, in_8_bits)

    spans = spans_of_a_meeting(SECONDS[size])
    stock_batches = _planned(spans, PADDED)
    alone = [[number] for number in range(len(spans))]
    features = [exact.features([pcm])[0][0].numpy() for pcm in spans]
    tokens = load_paraformer(folder, CPU).token_list
    said: dict[str, list[str]] = {}

    def hear(name: str, network: Paraformer, batches: Batches) -> None:
        texts = [""] * len(spans)
        for batch in batches:
            heard = network.recognise([spans[number] for number in batch])
            for number, span in zip(batch, heard, strict=True):
                texts[number] = "".join(word.word for word in span.words)
        said[name] = texts

    def run(name: str, export: StockExport, batches: Batches) -> None:
        texts = [""] * len(spans)
        for batch in batches:
            heard = export.texts(*padded([features[number] for number in batch]))
            for number, text in zip(batch, heard, strict=True):
                texts[number] = text
        said[name] = texts

    hear("right", exact, alone)
    ways: dict[str, Callable[[], object]] = {}
    for precision, network in (("float32", exact), ("int8", rounded)):
        export = StockExport(tmp_path / FILES[precision], tokens)
        own = _planned(spans, network.usual_pass_cost)
        print(f"\n{precision}: ours in {len(own)} passes, the export's in {len(stock_batches)}")
        for name, way in (
            (f"{precision}, ours", partial(hear, network=network, batches=own)),
            (
                f"{precision}, export in batches",
                partial(run, export=export, batches=stock_batches),
            ),
            (f"{precision}, export alone", partial(run, export=export, batches=alone)),
        ):
            ways[name] = partial(way, name)
    describe(f"{size}, {SECONDS[size]} s, {len(spans)} spans")
    seconds = in_turn(ways, ROUNDS)
    for name, texts in said.items():
        unlike = sum(text != right for text, right in zip(texts, said["right"], strict=True))
        errors = jiwer.cer("".join(said["right"]), "".join(texts))
        print(f"{name:28} {unlike} spans are not right, {errors:.1%} of characters")
    assert said["float32, ours"] == said["right"]
    for precision in FILES:
        over = [
            seconds[f"{precision}, export {how}"] / seconds[f"{precision}, ours"]
            for how in ("in batches", "alone")
        ]
        print(f"{precision}: the export over ours {over[0]:.2f} in batches, {over[1]:.2f} alone")
        assert size == "bundled" or min(over) >= LEAST


def _planned(spans: Sequence[Pcm], cost: PassCost) -> Batches:
    plan = plan_batches([SpeechSpan(0, len(pcm)) for pcm in spans], BATCH_SIZE_S, pass_cost=cost)
    return [list(batch.indices) for batch in plan.batches]


def _bundled_without_hotwords(path: Path) -> None:
    """FunASR exports hotwords for networks 512 wide alone."""
    shutil.copytree(demo_model.ASR_DIR, path)
    config = read_config(path)
    hotwords = [name for name in config if name.startswith("seaco_")]
    kept = {name: value for name, value in config.items() if name not in hotwords}
    kept["model"] = "BiCifParaformer"
    (path / CONFIG).write_text(yaml.safe_dump(kept), encoding="utf-8")
