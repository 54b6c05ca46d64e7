"""`longscribe submit`, `get`, `list`, `again`, `cancel` and `watch`.

Exit status: 0 all is well, 1 a job failed or was cancelled, 2 the command could not be carried out,
3 a job is not at its end in the time that was given, 130 interrupted.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from longscribe_client.connection import Connection
from longscribe_client.errors import AuthenticationFailed, ClientError, NotAllowed
from shared.cli.error_exit import errors_in_words
from shared.cli.remote.progress import Bars, once_each
from shared.cli.remote.readable import readable
from shared.cli.remote.sending import send
from shared.cli.remote.server_options import LOCAL, KeyFile, ServerAddress, read_key
from shared.cli.remote.transcripts import Stems, formats_in, report_ending, save, save_report
from shared.cli.remote.watch import FileEvent, FolderWatch
from shared.errors import LongscribeError
from shared.states import TERMINAL

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

_JOB_IS_LOST, _NOT_YET, _INTERRUPTED = 1, 3, 130
_LOOK_EVERY_S = 1.0

_Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
_Format = Annotated[
    str, typer.Option("--format", "-f", help="Formats of transcripts, with commas: srt,docx.")
]
_Wait = Annotated[bool, typer.Option("--wait", help="Wait until the jobs are at their end.")]
_Timeout = Annotated[float, typer.Option(help="Wait so many seconds at most; 0: any.")]
_Model = Annotated[str, typer.Option(help="The model that is to recognise it.")]
_Speakers = Annotated[str, typer.Option(help="Tell speakers apart: auto, 3, 2-5.")]
_Numbers = Annotated[str, typer.Option(help="'written' writes numbers in digits.")]


class CommandFailed(LongscribeError):
    code = "command_failed"


@app.command()
def submit(
    files: Annotated[list[str], typer.Argument(metavar="FILE|ADDRESS...")],
    wait: _Wait = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write transcripts here; waits for them.")
    ] = None,
    format_: _Format = "txt",
    model: _Model = "",
    speakers: _Speakers = "",
    numbers: _Numbers = "",
    timeout: _Timeout = 0,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: _Json = False,
) -> None:
    """Send recordings, or name addresses of some, which the server fetches. One that broke off goes
    on where it stood when this is run again."""
    _require_files([name for name in files if not _is_address(name)])
    with _connected(server, key_file) as there, Bars(enabled=not as_json) as bars:
        formats = formats_in(format_)
        options = _options(model, speakers, numbers)
        jobs = {
            name: there.fetch(name, options)
            if _is_address(name)
            else _send(there, server, Path(name), options, bars)
            for name in files
        }
        if wait or output is not None:
            _wait(there, jobs, timeout, bars)
        saved: dict[str, list[str]] = {}
        stems = Stems(f".{one}" for one in formats)
        for name, job in jobs.items():
            if output is not None and job["status"] == "completed":
                stem = stems.of(job["filename"] if _is_address(name) else name)
                saved[name] = [str(one) for one in save(there, job["id"], output, stem, formats)]
    for name, job in jobs.items():
        _tell(job, as_json, file=name, transcripts=saved.get(name))
    raise typer.Exit(_status(jobs.values()) if wait or output is not None else 0)


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
    wait: _Wait = False,
    timeout: _Timeout = 0,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: _Json = False,
) -> None:
    """Tell how jobs stand, or fetch their transcripts or reports."""
    given = {"kind": report, "template": template, "group": group}
    asked = {name: text for name, text in given.items() if text}
    with _connected(server, key_file) as there, Bars(enabled=not as_json) as bars:
        formats = formats_in(format_ or "txt")
        endings = [f"{report_ending(asked)}.docx"] if asked else [f".{one}" for one in formats]
        stems = Stems(endings)
        jobs = {job_id: there.job(job_id) for job_id in job_ids}
        if wait:
            _wait(there, jobs, timeout, bars)
        for job in jobs.values():
            saved = None
            if output is not None and job["status"] == "completed":
                stem = stems.of(job["filename"])
                saved = (
                    [str(save_report(there, job["id"], output, stem, asked))]
                    if asked
                    else [str(one) for one in save(there, job["id"], output, stem, formats)]
                )
            elif asked and output is None:
                sys.stdout.buffer.write(there.report(job["id"], **asked))
                continue
            elif format_ and output is None:
                for name in formats:
                    sys.stdout.buffer.write(there.transcript(job["id"], name))
                continue
            _tell(job, as_json, transcripts=saved)
    raise typer.Exit(_status(jobs.values()) if wait or output is not None else 0)


@app.command("list")
def list_jobs(
    search: Annotated[str, typer.Option("--search", "-q", help="Words of names or texts.")] = "",
    status: Annotated[str, typer.Option(help="queued, processing, completed and so on.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 20,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: _Json = False,
) -> None:
    """List jobs, the newest first."""
    with _connected(server, key_file) as there:
        query = {name: value for name, value in (("q", search), ("status", status)) if value}
        while limit > 0:
            page = there.jobs(**query, limit=min(limit, 100))
            for job in page["jobs"]:
                _tell(job, as_json)
            limit -= len(page["jobs"])
            if page["next_cursor"] is None:
                return
            query["cursor"] = page["next_cursor"]


@app.command()
def again(
    job_id: Annotated[str, typer.Argument(metavar="JOB_ID")],
    model: _Model = "",
    speakers: _Speakers = "",
    numbers: _Numbers = "",
    wait: _Wait = False,
    timeout: _Timeout = 0,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: _Json = False,
) -> None:
    """Have a recording that is there transcribed again by another job. What is not named is as it
    was."""
    with _connected(server, key_file) as there, Bars(enabled=not as_json) as bars:
        jobs = {job_id: there.again(job_id, _options(model, speakers, numbers))}
        if wait:
            _wait(there, jobs, timeout, bars)
    _tell(jobs[job_id], as_json)
    raise typer.Exit(_status(jobs.values()) if wait else 0)


@app.command()
def cancel(
    job_ids: Annotated[list[str], typer.Argument(metavar="JOB_ID...")],
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: _Json = False,
) -> None:
    """Cancel jobs."""
    with _connected(server, key_file) as there:
        for job_id in job_ids:
            _tell(there.cancel(job_id), as_json)


@app.command()
def watch(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    format_: _Format = "txt",
    model: _Model = "",
    speakers: _Speakers = "",
    numbers: _Numbers = "",
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5,
    settled: Annotated[
        float, typer.Option(min=0, help="Seconds for which a file must not change.")
    ] = 10,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is left.")] = False,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
    as_json: _Json = False,
) -> None:
    """Transcribe what comes into a folder, and move it to done/ or failed/ with its transcript."""

    def tell(event: FileEvent) -> None:
        told = {"event": event.what, "file": str(event.file), "id": event.job_id}
        if event.message:
            told["message"] = event.message
        line = f"{event.what}  {event.file}  {event.message or event.job_id or ''}".rstrip()
        try:
            _say(json.dumps(told, ensure_ascii=False) if as_json else line)
        except BrokenPipeError:  # whoever read this has gone
            raise typer.Exit(_INTERRUPTED) from None

    with _connected(server, key_file) as there:
        watching = FolderWatch(
            folder,
            there,
            formats=formats_in(format_),
            options=_options(model, speakers, numbers),
            settled_s=settled,
            tell=tell,
        )
        with watching.alone():
            watching.look()
            while not (once and watching.is_idle):
                time.sleep(every)
                _look_again(watching, once)
        if watching.has_postponed:
            raise CommandFailed(f"Files are left in {readable(str(folder))} that were postponed.")


def _look_again(watching: FolderWatch, once: bool) -> None:
    """Look at the folder again. The first look succeeded, so the server, the key and the folder are
    the right ones: whatever is unavailable now is waited for, unless `once`."""
    try:
        watching.look()
    except (AuthenticationFailed, NotAllowed):  # the key was revoked
        raise
    except (ClientError, OSError) as error:
        if once:
            raise
        typer.echo(readable(f"longscribe: {error}, looking again"), err=True)


@contextmanager
def _connected(address: str, key_file: Path | None) -> Iterator[Connection]:
    with errors_in_words(), _errors_of_the_client():
        there = Connection(address, read_key(key_file), waits=once_each(_tell_of_waiting))
        try:
            yield there
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(_INTERRUPTED) from None
        finally:
            there.close()


def _tell_of_waiting(why: str) -> None:
    typer.echo(readable(f"longscribe: {why}, trying again"), err=True)


@contextmanager
def _errors_of_the_client() -> Iterator[None]:
    try:
        yield
    except AuthenticationFailed as refused:
        raise CommandFailed(
            f"{refused.message} Set LONGSCRIBE_API_KEY or --key-file; the account page makes keys."
        ) from None
    except ClientError as error:
        raise CommandFailed(error.message) from None


def _options(model: str, speakers: str, numbers: str) -> dict[str, Any]:
    given = {"model": model, "speakers": speakers, "numbers": numbers}
    return {name: value for name, value in given.items() if value}


def _is_address(name: str) -> bool:
    return name.startswith(("https://", "http://"))


def _require_files(names: list[str]) -> None:
    """Check that all names are readable files. Raises BadParameter, which ends the command with
    status 2."""
    for name in names:
        if not Path(name).is_file() or not os.access(name, os.R_OK):
            shown = readable(name)
            raise typer.BadParameter(f"There is no file '{shown}' that can be read.")


def _send(
    there: Connection, address: str, file: Path, options: dict[str, Any], bars: Bars
) -> dict[str, Any]:
    with bars.sending(readable(file.name), file.stat().st_size) as progress:
        return send(there, address, file, options, progress=progress)


def _wait(there: Connection, jobs: dict[str, dict[str, Any]], timeout: float, bars: Bars) -> None:
    """Ask until all jobs are at their end or the time is over, and put in how they stand."""
    deadline = time.monotonic() + timeout if timeout > 0 else None
    while True:
        for name, job in jobs.items():
            if job["status"] not in TERMINAL:
                jobs[name] = there.job(job["id"])
            bars.show(job["id"], jobs[name])
        if all(job["status"] in TERMINAL for job in jobs.values()):
            return
        if deadline is not None and time.monotonic() > deadline:
            return
        time.sleep(_LOOK_EVERY_S)


def _status(jobs: Any) -> int:
    statuses = {job["status"] for job in jobs}
    if statuses & {"failed", "cancelled"}:
        return _JOB_IS_LOST
    return 0 if statuses <= {"completed"} else _NOT_YET


def _tell(job: dict[str, Any], as_json: bool, **also: Any) -> None:
    if as_json:
        extra = {name: value for name, value in also.items() if value is not None}
        _say(json.dumps({**job, **extra}, ensure_ascii=False))
        return
    words = [job["id"], f"{job['status']:<10}", job["filename"]]
    if job.get("error"):
        words.append(job["error"]["message"])
    words += also.get("transcripts") or []
    _say("  ".join(words))


def _say(line: str) -> None:
    typer.echo(readable(line))
