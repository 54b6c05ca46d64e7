"""The command line of `longscribe bench`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from shared.errors import LongscribeError
from shared.settings import Settings, load_settings
from worker.bench.results import CannotMeasure

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_SIZES = "60,300,600,auto"


@app.command()
def bench(
    audio: Annotated[
        Path | None, typer.Argument(help="A recording of yours, in any usual format.")
    ] = None,
    batch_size_s: Annotated[
        str, typer.Option(help="Batch sizes in padded seconds, with commas; auto: the worker's.")
    ] = _SIZES,
    model: Annotated[
        str | None,
        typer.Option(help="demo, a hub name or a folder. [default: LONGSCRIBE_MODEL, else demo]"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help="auto, cpu, cuda:0. [default: LONGSCRIBE_DEVICE, else auto]"),
    ] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            help="float32, bfloat16, float16 or int8. [default: LONGSCRIBE_PRECISION, else float32]"
        ),
    ] = None,
    compare_funasr: Annotated[
        bool,
        typer.Option(
            "--compare-funasr",
            help="Also run FunASR's own generate() on the same samples and weights.",
        ),
    ] = False,
    repeat: Annotated[
        int,
        typer.Option(
            min=1, help="Run each size so often and give the least times, on a busy machine."
        ),
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw speed and memory over the size.")
    ] = None,
    make_model: Annotated[
        tuple[str, Path] | None,
        typer.Option(
            metavar="large DIR",
            help="Instead of measuring, write a model of Paraformer-large's architecture with "
            "random weights into DIR (1.0 GB): the same cost without a download, and no sense. "
            "large-seaco: of paraformer-zh's; large-ct-punc-c: with the smaller punctuation; "
            "large-sensevoice: of SenseVoiceSmall's; large-firered: of FireRedASR2-AED's (2.4 GB).",
        ),
    ] = None,
) -> None:
    """Measure batch sizes on this machine with a recording of your own.

    Time, memory, batches and padding for each size, and whether the text stays the same.
    """
    try:
        if make_model is not None:
            _make_model(*make_model)
            return
        if audio is None:
            raise CannotMeasure("Name a recording: longscribe bench AUDIO")
        settings = _settings(model, device, precision)
        _measure(audio, parse_sizes(batch_size_s), settings, compare_funasr, repeat, as_json, plot)
    except LongscribeError as error:
        _complain(error.message)


def parse_sizes(text: str) -> list[str]:
    """'60,300,auto' as a list without repeats. Raises CannotMeasure."""
    sizes: list[str] = []
    for part in text.split(","):
        size = part.strip().lower()
        if size != "auto":
            try:
                seconds = float(size)
            except ValueError:
                seconds = 0.0
            if not 1 <= seconds < float("inf"):
                raise CannotMeasure(
                    f"--batch-size-s takes 'auto' and numbers of seconds from 1, not {part!r}."
                )
            size = f"{seconds:g}"
        sizes.append(size)
    return list(dict.fromkeys(sizes))


def _settings(model: str | None, device: str | None, precision: str | None) -> Settings:
    settings = load_settings()
    if model is None and "model" not in settings.model_fields_set:
        model = "demo"  # as `longscribe serve`: download nothing unasked
        _say("Measuring with the small bundled model; --model paraformer-zh is the real one.")
    settings = settings.model_copy(update={"worker_concurrency": 1})  # this process has it alone
    named = {"model": model, "device": device, "precision": precision}
    return settings.model_copy(update={name: value for name, value in named.items() if value})


def _measure(
    audio: Path,
    sizes: list[str],
    settings: Settings,
    compare_funasr: bool,
    repeat: int,
    as_json: bool,
    plot: Path | None,
) -> None:
    from worker.bench import plot as picture
    from worker.bench.measure import measure
    from worker.bench.report import as_text

    if plot is not None:
        picture.require_matplotlib()
    measured = measure(
        audio, sizes, settings, compare_funasr=compare_funasr, repeat=repeat, say=_say
    )
    if as_json:
        typer.echo(json.dumps(measured.to_json(), ensure_ascii=False, indent=2))
    else:
        typer.echo(as_text(measured))
    if plot is not None:
        picture.draw(measured, plot)
        _say(f"Drawn: {plot}")


def _make_model(name: str, folder: Path) -> None:
    import numpy as np

    from worker import demo_model
    from worker.audio.decode import decode
    from worker.engine.reference.random_model import SIZES, make_random_model

    if name not in SIZES:
        raise CannotMeasure(f"--make-model knows {', '.join(SIZES)}, not {name}.")
    if folder.exists() and any(folder.iterdir()):
        raise CannotMeasure(f"{folder} is not empty; name a new folder for the model.")
    with decode(demo_model.SAMPLE_MEETING) as audio:
        speech = np.concatenate(list(audio))
    make_random_model(folder, speech, SIZES[name])
    _say(f"Written. Measure with: longscribe bench AUDIO --model {folder}")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _complain(message: str) -> NoReturn:
    typer.secho(message, fg=typer.colors.RED, err=True)
    raise typer.Exit(2)


def main() -> None:
    """Run the command line."""
    app(prog_name="longscribe bench")
