"""Measurement from a recording to the figures, in the order of the pipeline."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path

from shared.errors import NoAudio, UnsupportedMedia
from shared.settings import Settings
from worker.audio.decode import BLOCK_S, DecodeLimits, decode
from worker.audio.spool import AudioSpool
from worker.bench.results import CannotMeasure, Cost, MachineFacts, Measurement, RecordingFacts
from worker.bench.sizes import ALONE, AUTO, SizeBench
from worker.bench.stock_process import run_stock
from worker.bench.stopwatch import Stopwatch
from worker.configured_recogniser import load_configured_recogniser
from worker.recogniser import SAMPLE_RATE, Recogniser, SpeechSpan

Say = Callable[[str], None]

_WARM_UP_SAMPLES = 30 * SAMPLE_RATE
_BLOCK_SAMPLES = int(BLOCK_S * SAMPLE_RATE)


def measure(
    recording: Path,
    sizes: Sequence[str],
    settings: Settings,
    *,
    compare_funasr: bool = False,
    repeat: int = 1,
    say: Say = lambda _: None,
) -> Measurement:
    """Measure each of `sizes` ('auto' or a number of padded seconds), each segment alone first.

    Each is run `repeat` times, of which the least times count.

    `say` is told what goes on.  Raises the errors of shared.errors, in words for a person.
    """
    with (
        tempfile.TemporaryDirectory(prefix="longscribe-bench-") as folder,
        AudioSpool(Path(folder) / "audio.pcm") as spool,
    ):
        say(f"Decoding {recording} ...")
        decoding = _decode(recording, settings, spool)
        stock = None
        if compare_funasr:
            # Before our own model is loaded, and in a process of its own, so that neither's
            # memory nor settings count for the other.
            say("Stock FunASR ...")
            numbers = [float(size) for size in sizes if size != AUTO]
            stock = run_stock(settings, spool.path, numbers, Path(folder))
        say(f"Loading the model {settings.model} ...")
        recogniser = load_configured_recogniser(settings, calibrate=False)
        spans, listening = find_speech(recogniser, spool)
        if not spans:
            raise CannotMeasure("Nobody speaks in this recording, so there is nothing to measure.")
        bench = SizeBench(recogniser, settings, spool, spans, repeat=repeat)
        bench.warm_up()
        results = []
        for size in dict.fromkeys([ALONE, *sizes]):
            say(f"batch_size_s {size} ...")
            results.append(bench.measure(size))
        words = [word.word for said in bench.alone for word in said]
        with Stopwatch() as punctuating:
            recogniser.punctuate(words)
        return Measurement(
            recording=RecordingFacts(
                name=recording.name,
                seconds=spool.seconds,
                segments=len(spans),
                speech_s=sum(span.seconds for span in spans),
            ),
            machine=_machine(settings),
            model=recogniser.identity,
            decode=decoding,
            voice_activity=listening,
            punctuation=punctuating.cost,
            sizes=tuple(results),
            repeat=repeat,
            stock=() if stock is None else stock.results("".join(words)),
        )


def _decode(recording: Path, settings: Settings, spool: AudioSpool) -> Cost:
    try:
        with (
            Stopwatch() as watch,
            decode(
                recording,
                limits=DecodeLimits(
                    max_audio_s=settings.max_audio_s, sandbox_required=settings.sandbox_required
                ),
            ) as audio,
        ):
            for block in audio:
                spool.append(block)
    except OSError as error:
        raise UnsupportedMedia(
            f"{recording} cannot be opened: {error.strerror or error}."
        ) from error
    if not spool.samples:
        raise NoAudio
    return watch.cost


def find_speech(recogniser: Recogniser, spool: AudioSpool) -> tuple[list[SpeechSpan], Cost]:
    """The spans of all that is in the spool, and what it cost to find them."""
    recogniser.voice_activity().feed(spool.read(0, min(spool.samples, _WARM_UP_SAMPLES)))
    with Stopwatch() as watch:
        detector = recogniser.voice_activity()
        spans: list[SpeechSpan] = []
        for start in range(0, spool.samples, _BLOCK_SAMPLES):
            spans += detector.feed(spool.read(start, min(start + _BLOCK_SAMPLES, spool.samples)))
        spans += detector.finish()
    return spans, watch.cost


def _machine(settings: Settings) -> MachineFacts:
    from worker.engine.device import threads_on_cpu, usable_cores
    from worker.engine.instruction_sets import instruction_sets

    return MachineFacts(
        processor=_processor(),
        cores=usable_cores(),
        threads=threads_on_cpu(settings.cpu_threads, settings.uses_demo_model),
        instructions=instruction_sets(),
        python=platform.python_version(),
        torch=metadata.version("torch"),
        funasr=metadata.version("funasr"),
    )


def _processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    try:
        for line in cpuinfo.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
