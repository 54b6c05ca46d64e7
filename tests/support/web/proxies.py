"""nginx and Caddy as docs/proxy.md sets them up."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.stack import REPOSITORY, Service, hold_port, start

PATH = "/transcripts"
"""Path at which the documented set-up serves Longscribe."""


def documented(language: str) -> str:
    """The block in `language` of docs/proxy.md."""
    text = (REPOSITORY / "docs" / "proxy.md").read_text()
    [block] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(block)


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing")
        pytest.skip(f"{name} is not installed")
    return found


def _nginx(folder: Path, port: int, block: str) -> list[str]:
    temporary = "".join(
        f"{kind}_temp_path {folder};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    settings = folder / "nginx.conf"
    settings.write_text(
        f"daemon off; pid {folder}/pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {temporary} include /etc/nginx/mime.types;\n"
        f"server {{ listen 127.0.0.1:{port}; {block} }} }}\n"
    )
    return [_program("nginx"), "-p", str(folder), "-c", str(settings), "-e", "stderr"]


def _caddy(folder: Path, port: int, block: str) -> list[str]:
    settings = folder / "Caddyfile"
    block = block.replace("longscribe.example", f"http://127.0.0.1:{port}")
    settings.write_text(f"{{\nadmin off\n}}\n{block}")
    return [_program("caddy"), "run", "--config", str(settings), "--adapter", "caddyfile"]


_COMMANDS: dict[str, tuple[str, Callable[[Path, int, str], list[str]]]] = {
    "nginx": ("nginx", _nginx),
    "caddy": ("caddyfile", _caddy),
}

NAMES = sorted(_COMMANDS)


def start_proxy(name: str, folder: Path, to_port: int) -> tuple[Service, int]:
    """The proxy `name`, in front of the server at `to_port`, and the port that it listens at."""
    language, _ = _COMMANDS[name]
    block = documented(language).replace("127.0.0.1:8000", f"127.0.0.1:{to_port}")
    return _start(name, folder, block)


def start_plain_nginx(folder: Path, to_port: int, limit: str) -> tuple[Service, int]:
    """nginx as somebody sets it up who has not read docs/proxy.md, and its port.  `limit` is its
    client_max_body_size."""
    block = (
        f"client_max_body_size {limit}; proxy_request_buffering off;\n"
        f"location / {{ proxy_pass http://127.0.0.1:{to_port}; proxy_set_header Host $http_host; }}"
    )
    return _start("nginx", folder, block)


def _start(name: str, folder: Path, block: str) -> tuple[Service, int]:
    folder.mkdir()
    port = hold_port()
    env = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    command = _COMMANDS[name][1](folder, port, block)
    return start(command, env=env, log_path=folder / "log"), port
