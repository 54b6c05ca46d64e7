"""The commands. What each does is imported by it alone: the web image has neither the embedded
Redis nor the demonstration's needs."""

from __future__ import annotations

import io
import signal
import sys
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from shared.cli.configuration import configured
from shared.cli.error_exit import errors_in_words
from shared.interrupts import INTERRUPTED, interrupts_end_the_process

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A self-hosted queue that turns long recordings into transcripts.",
)

_TEXT_IS_WRONG = 1


@app.callback()
def _write_what_the_terminal_can_show() -> None:
    """Have what it cannot show, an emoji of a name in one of GBK for instance, replaced by `?`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _stop_on_signals() -> None:
    """SIGTERM and a closed terminal stop everything in order, as Ctrl-C does.

    SIGINT is set too: a shell starts a program with `&` so that it is ignored. SIGHUP stays
    ignored where nohup asked for that.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


@app.command()
def serve() -> None:
    """Start everything on this machine and keep it running until Ctrl-C."""
    from shared.cli.embedded.serve import serve_until_stopped

    _stop_on_signals()
    with errors_in_words():
        serve_until_stopped(configured())


@app.command()
def demo() -> None:
    """Transcribe the bundled sample meeting and check the text."""
    from shared.cli.embedded.demo import run_demo

    _stop_on_signals()
    with errors_in_words():
        try:
            right = run_demo(configured())
        except KeyboardInterrupt:
            typer.echo("Stopped.")
            raise typer.Exit(INTERRUPTED) from None
    if not right:
        raise typer.Exit(_TEXT_IS_WRONG)


class _PassedOn(TyperCommand):
    """Command whose arguments another module knows: all of them, `--help` and `--` too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.args = list(args)
        return args


@app.command(cls=_PassedOn, add_help_option=False)
def user(context: typer.Context) -> None:
    """Manage the accounts of this server: `longscribe user --help`."""
    from shared.cli import account_commands

    account_commands.user(context.args, prog_name=context.command_path)


@app.command(cls=_PassedOn, add_help_option=False)
def key(context: typer.Context) -> None:
    """Manage the API keys of an account: `longscribe key --help`."""
    from shared.cli import account_commands

    account_commands.key(context.args, prog_name=context.command_path)


def _at_a_server(context: typer.Context) -> None:
    from importlib.util import find_spec

    if find_spec("httpx2") is None:
        typer.secho("This command needs longscribe[client].", fg=typer.colors.RED, err=True)
        raise typer.Exit(2)
    with interrupts_end_the_process():
        from shared.cli.remote import commands
    program = context.command_path.rpartition(" ")[0]
    commands.app([context.info_name or "", *context.args], prog_name=program)


_AT_A_SERVER = {
    "submit": "Send recordings to a server: `longscribe submit FILE... --wait -o DIR -f srt,docx`.",
    "get": "Tell how jobs of a server stand, or fetch their transcripts.",
    "list": "List the jobs of a server.",
    "again": "Have a recording of a server transcribed again.",
    "cancel": "Cancel jobs of a server.",
    "watch": "Have a server transcribe what comes into a folder.",
}

for _name, _help in _AT_A_SERVER.items():
    app.command(_name, cls=_PassedOn, add_help_option=False, help=_help)(_at_a_server)


@app.command(cls=_PassedOn, add_help_option=False)
def mcp(context: typer.Context) -> None:
    """Let language models search and read recordings of a server, by MCP."""
    from importlib.util import find_spec

    if find_spec("mcp") is None:
        typer.secho("This command needs longscribe[mcp].", fg=typer.colors.RED, err=True)
        raise typer.Exit(2)
    with interrupts_end_the_process():
        from shared.cli.mcp import command
    command.app(context.args, prog_name=context.command_path)


@app.command(cls=_PassedOn, add_help_option=False)
def bench(context: typer.Context) -> None:
    """Measure batch sizes on this machine with a recording of your own."""
    _become_the_worker_s("worker.bench", context, "Measuring", ("worker", "torch", "funasr"))


@app.command(cls=_PassedOn, add_help_option=False)
def models(context: typer.Context) -> None:
    """List, download and check speech models: `longscribe models --help`."""
    needs = ("worker", "modelscope_hub", "huggingface_hub")
    _become_the_worker_s("worker.model_store", context, "Managing models", needs)


@app.command()
def minutes_worker() -> None:
    """Write the minutes that are asked for, by the language model of the settings."""
    from shared.cli.worker_commands import become

    with errors_in_words():
        become("worker.minutes", (), doing="Writing minutes", needs=("worker",))


def _become_the_worker_s(
    module: str, context: typer.Context, doing: str, needs: tuple[str, ...]
) -> None:
    from shared.cli.worker_commands import become

    with errors_in_words():
        become(module, context.args, doing=doing, needs=needs)


@app.command()
def migrate(
    autogenerate: Annotated[
        str | None,
        typer.Option(
            metavar="MESSAGE",
            help="Write a new revision from the difference between models and database.",
        ),
    ] = None,
    back_to: Annotated[
        str | None,
        typer.Option(
            metavar="REVISION",
            help="Take the schema back instead, before an older version is installed.",
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Change nothing; wait until somebody else has done it.")
    ] = False,
) -> None:
    """Bring the database's schema up to this version."""
    import migrations

    with errors_in_words():
        settings = configured()
        if wait:
            migrations.wait_until_current(settings.resolved_database_url)
            typer.echo("The schema is up to date.")
            return
        if not settings.database_url:
            settings.data_dir.mkdir(parents=True, exist_ok=True)
        if back_to is not None:
            migrations.go_back(settings.resolved_database_url, back_to)
            typer.echo(f"The schema is at {back_to}.")
            return
        migrations.upgrade(settings.resolved_database_url)
        if autogenerate is not None:
            migrations.autogenerate(settings.resolved_database_url, autogenerate)
            return
    typer.echo("The schema is up to date.")


@app.command()
def search_index(
    rebuild: Annotated[
        bool,
        typer.Option(help="Empty it first, and fill it anew; searches are slow meanwhile."),
    ] = False,
) -> None:
    """Fill the search index now with what workers have not got to yet."""
    from shared.db import Database
    from shared.search import entries

    with errors_in_words():
        db = Database(configured().resolved_database_url, impatient=False)
        if rebuild:
            entries.rebuild(db)
        indexed = 0
        while more := entries.catch_up(db, within_s=10):
            indexed += more
            typer.echo(f"{indexed} jobs indexed")
        found = entries.state(db)
    typer.echo(f"The search index has {found.jobs - found.behind} of {found.jobs} jobs.")


@app.command()
def recount() -> None:
    """Count jobs, and the bytes stored, again where their tallies are wrong, as doctor tells.
    Nothing has to stop."""
    from shared import jobs
    from shared.db import Database
    from shared.storage import stored_bytes

    with errors_in_words():
        db = Database(configured().resolved_database_url, impatient=False)
        of_jobs, of_bytes = jobs.recount(db), stored_bytes.recount(db)
    for drift in of_jobs:
        typer.echo(f"{drift.owner_id}, {drift.status}: {drift.jobs:+d} jobs")
    for stored in of_bytes:
        typer.echo(f"{stored.owner_id}: {stored.bytes:+,d} bytes")
    typer.echo("The tallies are right.")


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="It is made, and must not be there yet.")],
    previous: Annotated[
        Path | None,
        typer.Option(help="An earlier backup on the same disk: what it has is not copied again."),
    ] = None,
) -> None:
    """Back up the database and the recordings, while everything runs."""
    from shared.cli.backup.make import back_up

    with errors_in_words():
        settings = configured()
        made = back_up(settings, folder, previous=previous)
    typer.echo(
        f"{folder} has the database. The recordings are in the bucket {settings.s3_bucket}: keep "
        "them by its own means."
        if settings.s3_bucket
        else f"{folder} has the database and {made.files}."
    )


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A backup.")],
    incomplete: Annotated[bool, typer.Option(help="Also one that lacks recordings.")] = False,
) -> None:
    """Restore a backup into an empty database and data folder, with nothing running."""
    from shared.cli.backup.restore import restore as restore_backup

    with errors_in_words():
        found = restore_backup(configured(), folder, incomplete=incomplete)
    typer.echo(
        f"Restored what was backed up at {found.made_at} by Longscribe {found.longscribe}. Now: "
        "longscribe migrate, longscribe doctor, and start it."
    )


@app.command()
def adopt_storage() -> None:
    """Declare the folder of the recordings here the storage of this database.

    Only needed where Longscribe cannot know it: another one was in use before.
    """
    from shared.db import Database
    from shared.storage import identity
    from shared.storage.configured import open_blob_store

    with errors_in_words():
        settings = configured()
        blobs = open_blob_store(settings)
        adopted = identity.adopt_storage(Database(settings.resolved_database_url), blobs)
    place = settings.s3_bucket or settings.data_dir
    typer.echo(f"The recordings of this database are in {place} (storage {adopted}).")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    delete_orphans: Annotated[
        bool,
        typer.Option(
            help="Remove recordings without a row, partial uploads and work folders that are "
            "older than an hour and belong to nobody.",
        ),
    ] = False,
    quick: Annotated[
        bool, typer.Option(help="Leave out loading the model and letting it hear a second.")
    ] = False,
) -> None:
    """Check this installation and say what to do.

    The exit status is 0 if all is fine, 1 with problems, 2 if something could not be checked.
    """
    from shared.cli.doctor import examine as doctors

    with errors_in_words():
        findings = doctors.examine(configured(), delete_orphans=delete_orphans, quick=quick)
    typer.echo(doctors.as_json(findings) if as_json else doctors.as_columns(findings))
    raise typer.Exit(doctors.exit_status(findings))


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(metadata.version("longscribe"))
