"""The web application inside a test's own process, over a database that the test chose."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.test import TestResponse

from shared.db import Database
from shared.settings import Settings
from shared.storage.identity import adopt_storage
from tests.support.compiled_once import TEMPLATES
from web.app import create_app


def make_app(database_url: str, folder: Path, **settings: Any) -> Flask:
    """Make an application for tests. No Redis listens at the address of its settings: every test
    here passes without one."""
    values: dict[str, Any] = {
        "data_dir": folder / "data",
        "database_url": database_url,
        "redis_url": f"redis+socket://{folder / 'nobody.sock'}",
        "model": "demo",
        "min_free_bytes": 0,
        "answer_within_s": 0.2,
        "log_format": "console",
        **settings,
    }
    app = create_app(Settings(**values))
    app.jinja_env.bytecode_cache = TEMPLATES
    services = app.extensions["longscribe"]
    with contextlib.suppress(SQLAlchemyError):
        adopt_storage(services.db, services.blobs)  # as after its first start
    return app


def submit(
    client: FlaskClient,
    content: bytes = b"sound",
    filename: str = "会议.wav",
    *,
    key: str | None = None,
    **fields: str | list[str],
) -> TestResponse:
    return client.post(
        "/api/v1/jobs",
        data={**fields, "file": (io.BytesIO(content), filename)},
        headers={"Idempotency-Key": key} if key else {},
    )


def stored_files(folder: Path) -> list[Path]:
    """List every file that uploads have left, finished or not."""
    return [
        path
        for path in (folder / "data" / "recordings").rglob("*")
        if path.is_file() and path.name != "storage-id"
    ]


def database(app: Flask) -> Database:
    services = app.extensions["longscribe"]
    db = services.db
    assert isinstance(db, Database)
    return db
