"""The command `longscribe mcp`."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

from shared.cli.error_exit import errors_in_words
from shared.cli.mcp.callers import Callers
from shared.cli.mcp.serving import PATH, make_server, serve_http
from shared.cli.remote.server_options import LOCAL, KeyFile, ServerAddress, read_key
from shared.interrupts import INTERRUPTED

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def mcp(
    http: Annotated[
        bool,
        typer.Option("--http", help="Serve HTTP, with the key that each request brings along."),
    ] = False,
    host: Annotated[str, typer.Option(help="Where HTTP listens.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8765,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A Host, as mcp.example.org, by which it is asked over HTTP besides."),
    ] = None,
    files: Annotated[
        list[Path] | None,
        typer.Option(
            help="Files below this folder may be sent, over standard input alone; without it those "
            "of the home folder that are not hidden.",
        ),
    ] = None,
    server: ServerAddress = LOCAL,
    key_file: KeyFile = None,
) -> None:
    """Let language models search, read and submit recordings, by the Model Context Protocol."""
    with errors_in_words():
        try:
            if not http:
                folders = files or [_home()]
                make_server(Callers(server, read_key(key_file)), folders).run("stdio")
                return
            if key_file is not None or files:
                raise typer.BadParameter(
                    "Over HTTP each request brings its own key, and no files of this machine are "
                    "sent: leave out --key-file and --files."
                )
            if not _is_loopback(host) and not name:
                raise typer.BadParameter(
                    "Say by --name which Host it is asked by, mcp.example.org for instance."
                )
            typer.echo(f"Serving MCP at http://{host}:{port}{PATH}", err=True)
            serve_http(Callers(server, over_http=True), host, port, name or ())
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise typer.BadParameter(
            "This account has no home folder. Say by --files which folder's files may be sent."
        ) from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
