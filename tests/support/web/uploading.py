"""Requests of a client of the uploads, made inside a test's own process."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from shared.db import Database, database_now
from shared.models import Upload

VERSION = {"Tus-Resumable": "1.0.0"}
SOUND = b"".join(number.to_bytes(2, "big") for number in range(500))


def create(client: FlaskClient, size: int = len(SOUND), name: str = "周会.m4a") -> TestResponse:
    encoded = base64.b64encode(name.encode()).decode()
    return client.post(
        "/api/v1/uploads",
        headers=VERSION
        | {"Upload-Length": str(size), "Upload-Metadata": f"filename {encoded},confidential"},
    )


def begun(client: FlaskClient, size: int = len(SOUND), name: str = "周会.m4a") -> str:
    response = create(client, size, name)
    assert response.status_code == 201, response.text
    return str(response.headers["Location"])


def append(
    client: FlaskClient, address: str, offset: int, data: bytes, **headers: str
) -> TestResponse:
    return client.patch(
        address,
        data=data,
        headers=VERSION
        | {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        | {name.replace("_", "-"): value for name, value in headers.items()},
    )


def offset_of(client: FlaskClient, address: str) -> int:
    response = client.head(address, headers=VERSION)
    assert response.status_code == 200
    return int(response.headers["Upload-Offset"])


def submit(client: FlaskClient, address: str, **fields: Any) -> TestResponse:
    return client.post("/api/v1/jobs", json={"upload_id": address.rsplit("/", 1)[-1], **fields})


def uploaded(client: FlaskClient, data: bytes = SOUND, name: str = "周会.m4a") -> str:
    address = begun(client, len(data), name)
    assert append(client, address, 0, data).status_code == 204
    return address


def code_of(response: TestResponse, status: int) -> str:
    assert response.status_code == status, response.text
    assert response.json is not None
    return str(response.json["error"]["code"])


def checksum(algorithm: str, data: bytes) -> str:
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm} {base64.b64encode(digest).decode()}"


def expire(db: Database) -> None:
    with db.writing() as session:
        session.execute(update(Upload).values(expires_at=database_now(-1)))
