"""Our engine against FunASR's own `generate()` on real model folders and recordings.

`make test-real-models MODELS=DIR [SPEECH=DIR]` runs `python -m tests.real_models`.  Every model
folder below DIR is tried; what it lacks of the three networks is taken from the bundled model.
Exit status: 0 all equal, 1 something differs, 2 nothing could be tried.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import itertools
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein

from shared.errors import LongscribeError, ModelUnavailable
from shared.transcripts.sound_selection import MIXED
from worker import demo_model
from worker.audio.decode import DecodeLimits
from worker.audio.spool import AudioSpool
from worker.batching.batch_packing import plan_batches
from worker.bench.stopwatch import Stopwatch
from worker.engine.funasr_recogniser import FunASRRecogniser, load_recogniser
from worker.engine.reference.stock_funasr import StockFunASR, load_stock, without_tags
from worker.model_store.config_yaml import read_config
from worker.model_store.locate import locate
from worker.pipeline.speech_source import SpeechSource
from worker.recogniser import EMPTY_REQUEST, SAMPLE_RATE, Pcm, SpeechSpan

BUNDLED = {"asr": demo_model.ASR_DIR, "vad": demo_model.VAD_DIR, "punc": demo_model.PUNC_DIR}
ROLES = {
    "BiCifParaformer": "asr",
    "SeacoParaformer": "asr",
    "SenseVoiceSmall": "asr",
    "FsmnVADStreaming": "vad",
    "CTTransformer": "punc",
}
"""FunASR's classes that the engine runs, and what for."""

_NO_MARK = "<unk>"
"""The first of a network's marks, which FunASR writes into the text."""

END_SILENCE_MS = 800
BATCH_SIZE_S = 60.0
SAMPLES_PER_MS = SAMPLE_RATE // 1000


@dataclass(frozen=True, slots=True)
class Compared:
    """One recording; each pair is how many of how many differ from FunASR's."""

    spans: tuple[int, int]
    characters: tuple[int, int]
    times: tuple[int, int]
    stock_cpu_s: float
    our_cpu_s: float

    @property
    def is_equal(self) -> bool:
        return not (self.spans[0] or self.characters[0] or self.times[0])


@dataclass(frozen=True, slots=True)
class Heard:
    """What either makes of a recording. Times in milliseconds."""

    spans: list[tuple[int, int]]
    text: str
    """Text with marks, in small letters, without spaces: FunASR writes some that we do not."""
    times: list[tuple[int, int]]
    cpu_s: float


def model_folders(below: Path) -> Iterator[tuple[str, Path]]:
    """(role, folder) of each that can be tried; tells of the others."""
    for config in sorted(below.rglob("config.yaml")):
        folder = config.parent
        try:
            named = str(read_config(folder).get("model"))
        except ModelUnavailable as error:
            print(f"left out: {error.message}")
            continue
        if named in ROLES:
            yield ROLES[named], folder
        else:
            print(f"left out: {folder} is of the class {named}")


def trios(found: Sequence[tuple[str, Path]]) -> list[dict[str, Path]]:
    """Every combination of what was found, the bundled networks where a role has none."""
    by_role = {role: [folder for each, folder in found if each == role] for role in BUNDLED}
    choices = [by_role[role] or [BUNDLED[role]] for role in BUNDLED]
    return [dict(zip(BUNDLED, chosen, strict=True)) for chosen in itertools.product(*choices)]


def samples_of(recording: Path) -> Pcm:
    """16 kHz mono, by the worker's own decoder."""
    with (
        tempfile.TemporaryDirectory() as folder,
        AudioSpool(Path(folder) / "audio.pcm") as spool,
    ):
        source = SpeechSource(
            recording,
            spool,
            None,
            selection=MIXED,
            limits=DecodeLimits(max_audio_s=12 * 3600),
            require_space=lambda _: None,
        )
        with source:
            for _ in source.blocks(lambda: None):
                pass
        return np.array(spool.read(0, spool.samples))


def ours(recogniser: FunASRRecogniser, pcm: Pcm) -> Heard:
    with Stopwatch() as watch:
        detector = recogniser.voice_activity()
        spans = detector.feed(pcm) + detector.finish()
        words: dict[int, Any] = {}
        plan = plan_batches(spans, BATCH_SIZE_S, pass_cost=recogniser.pass_cost)
        for batch in plan.batches:
            speech = [pcm[spans[i].start : spans[i].end] for i in batch.indices]
            words |= dict(
                zip(batch.indices, recogniser.recognise(speech, EMPTY_REQUEST), strict=True)
            )
        said = [(spans[i], word) for i in range(len(spans)) for word in words[i].words]
        # A recogniser whose words bring their marks along gives none here.
        marks = recogniser.punctuate([word.word for _, word in said])
    text = "".join(word.word + mark for (_, word), mark in zip(said, marks, strict=True))
    return Heard(
        [_milliseconds(span) for span in spans],
        text.lower(),
        [
            (
                round(word.start * 1000) + span.start // SAMPLES_PER_MS,
                round(word.end * 1000) + span.start // SAMPLES_PER_MS,
            )
            for span, word in said
        ],
        watch.cost.cpu_s,
    )


def _milliseconds(span: SpeechSpan) -> tuple[int, int]:
    return span.start // SAMPLES_PER_MS, span.end // SAMPLES_PER_MS


def stocks(stock: StockFunASR, pcm: Pcm) -> Heard:
    """One span at a time, as FunASR does on a CPU, the silence that ends a span fixed."""
    auto_model = stock.auto_model
    samples = pcm.astype(np.float32) / 32_768
    with contextlib.redirect_stdout(io.StringIO()):
        auto_model._reset_runtime_configs()
        found = auto_model.inference(
            samples,
            model=auto_model.vad_model,
            kwargs=auto_model.vad_kwargs,
            max_end_silence_time=END_SILENCE_MS,
        )
        with Stopwatch() as watch:
            results = auto_model.generate(
                samples,
                batch_size_s=BATCH_SIZE_S,
                max_end_silence_time=END_SILENCE_MS,
                **stock.options,
            )
    result = results[0] if results else {}
    return Heard(
        [(start, end) for start, end in (found[0]["value"] if found else [])],
        without_tags(str(result.get("text", ""))).replace(" ", "").replace(_NO_MARK, "").lower(),
        [(start, end) for start, end in result.get("timestamp", [])],
        watch.cost.cpu_s,
    )


def compared(stock: Heard, our: Heard) -> Compared:
    return Compared(
        spans=_differing(stock.spans, our.spans),
        characters=(Levenshtein.distance(stock.text, our.text), len(stock.text)),
        times=_differing(stock.times, our.times),
        stock_cpu_s=stock.cpu_s,
        our_cpu_s=our.cpu_s,
    )


def _differing(stock: Sequence[tuple[int, int]], our: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """How many differ of how many."""
    return Levenshtein.distance(stock, our), len(stock)


def try_out(trio: dict[str, Path], recordings: Sequence[Path], device: str) -> list[Compared]:
    """Load the three both ways and compare them on each recording, a line each."""
    names = {role: str(folder) for role, folder in trio.items()}
    folders = locate(names["asr"], names["vad"], names["punc"], offline=True)
    print()
    for role, folder in (("asr", folders.asr), ("vad", folders.vad), ("punc", folders.punc)):
        if folder is None:
            continue
        named = read_config(folder.path)["model"]
        whose = "bundled" if folder.path == BUNDLED[role] else folder.name
        print(f"{role:<5}{named:<18}{folder.revision}  {whose}")
    recogniser = load_recogniser(
        names["asr"], names["vad"], names["punc"], device=device, cpu_threads=1, offline=True
    )
    stock = load_stock(folders, device, cpu_threads=1, end_silence_ms=END_SILENCE_MS)
    print(
        f"{'recording':<28}{'seconds':>8}{'spans':>10}{'characters':>13}{'times':>11}"
        f"{'FunASR, ours (CPU s)':>24}"
    )
    results = []
    for recording in recordings:
        pcm = samples_of(recording)
        our = ours(recogniser, pcm)
        if recogniser.punctuates:
            # FunASR gives a SenseVoice's times only where no voice activity is before it.
            our = replace(our, times=[])
        result = compared(stocks(stock, pcm), our)
        results.append(result)
        print(
            f"{recording.name[:27]:<28}{len(pcm) / SAMPLE_RATE:>8.1f}{_of(result.spans):>10}"
            f"{_of(result.characters):>13}{_of(result.times):>11}"
            f"{result.stock_cpu_s:>15.2f}, {result.our_cpu_s:.2f}",
            flush=True,
        )
    return results


def _of(pair: tuple[int, int]) -> str:
    return f"{pair[0]} of {pair[1]}"


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make test-real-models", description=__doc__)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--speech", type=Path, default=demo_model.SAMPLE_MEETING)
    parser.add_argument("--device", default="cpu")
    chosen = parser.parse_args(arguments)
    found = list(model_folders(chosen.models))
    recordings = (
        [chosen.speech]
        if chosen.speech.is_file()
        else sorted(path for path in chosen.speech.rglob("*") if path.is_file())
    )
    if not found or not recordings:
        print(f"Nothing to try: {len(found)} model folders and {len(recordings)} recordings.")
        return 2
    print(
        f"torch {torch.__version__}, funasr {metadata.version('funasr')}, on {chosen.device} "
        f"({platform.machine()}). Differing from FunASR's generate():"
    )
    results: list[Compared] = []
    for trio in trios(found):
        try:
            results += try_out(trio, recordings, chosen.device)
        except LongscribeError as error:
            print(f"could not be tried: {error.message}")
    if not results:
        return 2
    differing = sum(not result.is_equal for result in results)
    print(f"\n{len(results) - differing} of {len(results)} recordings equal in all of it.")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
