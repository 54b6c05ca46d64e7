"""`longscribe submit`, `get`, `list`, `again`, `cancel` and `watch`.

Exit status: 0 all is well, 1 a job failed or was cancelled, 2 the command could not be carried out
or not for all that it was given, 3 a job is not at its end in the time that was given, 130
interrupted.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from longscribe_client.connection import Connection
from longscribe_client.errors import (
    ServerBusy,
    ServerUnreachable,
)
from shared.cli.remote.outcome import (
    CommandFailed,
    Refusals,
    status_of,
    tell,
)
from shared.cli.remote.progress import Bars
from shared.cli.remote.readable import readable
from shared.cli.remote.sending import require_files, send
from shared.cli.remote.server_options import (
    LOCAL,
    Json,
    KeyFile,
    Model,
    Numbers,
    ServerAddress,
    Speakers,
    Timeout,
    Wait,
    options_of,
)
from shared.cli.remote.session import connected
from shared.cli.remote.transcripts import Stems, formats_in, report_ending, save, save_report
from shared.cli.remote.watch_command import watch
from shared.states import TERMINAL

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

_LOOK_EVERY_S = 1.0


@app.command()
def submit(
    files: Annotated[list[str], typer.Argument(metavar="FILE|ADDRESS...")],
    wait: Wait = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write transcripts here; waits for them.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", "-f", help="Formats of these, with commas: srt,docx; or txt.")
    ] = "",
    model: Model = "",
    speakers: Speakers = "",
    numbers: Numbers = "",
    timeout: Timeout = 0,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Send recordings, or name addresses of some, which the server fetches. One that broke off goes
    on where it stood when this is run again."""
    files = list(dict.fromkeys(files))
    waits = wait or output is not None
    jobs: dict[str, dict[str, Any]] = {}
    saved: dict[str, list[str]] = {}
    options = options_of(model, speakers, numbers)
    refusals = Refusals(options)
    with connected(server, key_file) as there, Bars(enabled=not as_json) as bars:
        require_files([name for name in files if not _is_address(name)])
        formats = formats_in(format_ or "txt")
        if format_ and output is None:
            raise CommandFailed(
                "--format is of the transcripts that -o writes: name a folder with -o. `longscribe "
                "get` prints them."
            )
        if output is not None:  # before hours of work for what could be written nowhere
            output.mkdir(parents=True, exist_ok=True)
        try:
            for name in files:
                with refusals.of(name):
                    jobs[name] = _submit(there, server, name, options, bars)
                    if not waits:
                        tell(jobs[name], as_json, file=name)
            if waits:
                _wait(there, jobs, timeout, bars, refusals)
            stems = Stems(f".{one}" for one in formats)
            for name, job in jobs.items():
                if output is not None and job["status"] == "completed":
                    stem = stems.of(job["filename"] if _is_address(name) else name)
                    with refusals.of(name):
                        paths = save(there, job["id"], output, stem, formats)
                        saved[name] = [str(one) for one in paths]
        finally:  # whatever breaks off here, they are on the server
            if waits:
                for name, job in jobs.items():
                    tell(job, as_json, file=name, transcripts=saved.get(name))
    refusals.end(status_of(jobs.values()) if waits else 0)


@app.command()
def get(
    job_ids: Annotated[list[str], typer.Argument(metavar="JOB_ID...")],
    format_: Annotated[
        str, typer.Option("--format", "-f", help="Print the transcript, in this format.")
    ] = "",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write transcripts into this folder.")
    ] = None,
    report: Annotated[str, typer.Option(help="The report instead: docx or md.")] = "",
    template: Annotated[str, typer.Option(help="The report by your template of this name.")] = "",
    group: Annotated[
        str, typer.Option(help="The id of the group whose template of that name it is.")
    ] = "",
    wait: Wait = False,
    timeout: Timeout = 0,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Tell how jobs stand, or fetch their transcripts or reports."""
    given = {"kind": report, "template": template, "group": group}
    asked = {name: text for name, text in given.items() if text}
    wants_text = bool(asked or format_ or output is not None)
    refusals = Refusals()
    with connected(server, key_file) as there, Bars(enabled=not as_json) as bars:
        if as_json and wants_text and output is None:
            raise CommandFailed(
                "--json prints jobs, and --format, --report and --template what is in them. Choose "
                "one of both, or name a folder with -o, where transcripts are written besides."
            )
        formats = formats_in(format_ or "txt")
        endings = [f"{report_ending(asked)}.docx"] if asked else [f".{one}" for one in formats]
        stems = Stems(endings)
        jobs: dict[str, dict[str, Any]] = {}
        for job_id in dict.fromkeys(job_ids):
            with refusals.of(job_id):
                within_s = timeout if wait and timeout > 0 else None
                jobs[job_id] = there.job(_checked_id(job_id), within_s=within_s)
        if wait:
            _wait(there, jobs, timeout, bars, refusals)
        for job_id, job in jobs.items():
            with refusals.of(job_id):
                if job["status"] != "completed" or not wants_text:
                    # Where a transcript is printed, standard output has nothing else.
                    tell(job, as_json, err=wants_text and output is None)
                elif output is None:
                    _print(there, job_id, formats, asked)
                else:
                    stem = stems.of(job["filename"])
                    saved = (
                        [save_report(there, job_id, output, stem, asked)]
                        if asked
                        else save(there, job_id, output, stem, formats)
                    )
                    tell(job, as_json, transcripts=[str(one) for one in saved])
    refusals.end(status_of(jobs.values()) if wait or wants_text else 0)


@app.command("list")
def list_jobs(
    search: Annotated[str, typer.Option("--search", "-q", help="Words of names or texts.")] = "",
    status: Annotated[str, typer.Option(help="queued, processing, completed and so on.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 20,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """List jobs, the newest first."""
    with connected(server, key_file) as there:
        query = {name: value for name, value in (("q", search), ("status", status)) if value}
        while limit > 0:
            page = there.jobs(**query, limit=min(limit, 100))
            for job in page["jobs"]:
                tell(job, as_json)
            limit -= len(page["jobs"])
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]


@app.command()
def again(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID")],
    model: Model = "",
    speakers: Speakers = "",
    numbers: Numbers = "",
    wait: Wait = False,
    timeout: Timeout = 0,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Have a recording that is there transcribed again by another job. What is not named is as it
    was."""
    refusals = Refusals()
    with connected(server, key_file) as there, Bars(enabled=not as_json) as bars:
        new = there.again(_checked_id(job_id), options_of(model, speakers, numbers))
        jobs = {job_id: new}
        try:
            if wait:
                _wait(there, jobs, timeout, bars, refusals)
        finally:
            for job in jobs.values():
                tell(job, as_json)
    refusals.end(status_of(jobs.values()) if wait else 0)


@app.command()
def cancel(
    job_ids: Annotated[list[str], typer.Argument(metavar="JOB_ID...")],
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: Json = False,
) -> None:
    """Cancel jobs."""
    refusals = Refusals()
    with connected(server, key_file) as there:
        for job_id in dict.fromkeys(job_ids):
            with refusals.of(job_id):
                tell(there.cancel(_checked_id(job_id)), as_json)
    refusals.end(0)


app.command()(watch)


def _checked_id(text: str) -> str:
    """The id of a job, if it is one. Raises CommandFailed."""
    try:
        return str(UUID(text))
    except ValueError:
        raise CommandFailed(
            f"'{readable(text)}' is no id of a job. `longscribe list` shows them."
        ) from None


def _is_address(name: str) -> bool:
    return name.startswith(("https://", "http://"))


def _submit(
    there: Connection, address: str, name: str, options: dict[str, Any], bars: Bars
) -> dict[str, Any]:
    if _is_address(name):
        return there.fetch(name, options)
    file = Path(name)
    with bars.sending(readable(file.name), file.stat().st_size) as progress:
        return send(there, address, file, options, progress=progress)


def _wait(
    there: Connection,
    jobs: dict[str, dict[str, Any]],
    timeout: float,
    bars: Bars,
    refusals: Refusals,
) -> None:
    """Ask until all jobs are at their end or the time is over, and put in how they stand. One that
    is not there any more is left out."""
    deadline = time.monotonic() + (timeout if timeout > 0 else math.inf)
    while True:
        for name, job in list(jobs.items()):
            if job["status"] not in TERMINAL:
                left_s = max(0.0, deadline - time.monotonic())
                with refusals.of(name):
                    try:
                        jobs[name] = there.job(job["id"], within_s=left_s)
                    except (ServerBusy, ServerUnreachable):
                        if time.monotonic() < deadline:
                            raise
                        return  # it goes on, as far as is known
                    bars.show(job["id"], jobs[name])
                    continue
                del jobs[name]
        if all(job["status"] in TERMINAL for job in jobs.values()):
            return
        if time.monotonic() > deadline:
            return
        time.sleep(_LOOK_EVERY_S)


def _print(there: Connection, job_id: str, formats: list[str], asked: dict[str, str]) -> None:
    """Print a completed job's report, if one is asked for, or else its transcript in each
    format."""
    if asked:
        sys.stdout.buffer.write(there.report(job_id, **asked))
    else:
        for name in formats:
            sys.stdout.buffer.write(there.transcript(job_id, name))
    sys.stdout.buffer.flush()
