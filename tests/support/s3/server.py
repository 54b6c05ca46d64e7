"""A server that speaks S3 over HTTP, in this process: moto's.

It keeps its objects while it is stopped, so it can be away for a while and come back.
"""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import botocore.session
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import FakeMultipart
from moto.s3.responses import S3Response
from werkzeug.serving import BaseWSGIServer, make_server

from shared.storage.measured_space import WorkSpace
from shared.storage.s3.bucket import Bucket
from shared.storage.s3.client import BucketAddress
from tests.support.stack import hold_port

PART_BYTES = 5 * 2**20
"""The smallest parts that S3 takes."""

KEYS = {"access_key_id": "test", "secret_access_key": "testing-secret"}


def _tell_when_multiparts_began() -> None:
    """moto says 2010 of each, and what is abandoned is told by it."""
    begun: dict[str, str] = {}
    make, serialized = FakeMultipart.__init__, S3Response.serialized

    def made(self: Any, *args: Any, **values: Any) -> None:
        make(self, *args, **values)
        begun[self.id] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def told(self: Any, answer: Any) -> Any:
        result = answer.result
        for upload in result.get("Uploads", ()) if isinstance(result, dict) else ():
            upload["Initiated"] = begun[upload["UploadId"]]
        return serialized(self, answer)

    FakeMultipart.__init__ = made  # type: ignore[method-assign]
    S3Response.serialized = told  # type: ignore[method-assign]


_tell_when_multiparts_began()


class S3Server:
    """moto's server on a port of its own."""

    def __init__(self) -> None:
        self._port = hold_port()
        self._server: BaseWSGIServer | None = None
        self.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Answer, with all that was stored before."""
        if self._server is None:
            app = DomainDispatcherApplication(create_backend_app)
            self._server = make_server("127.0.0.1", self._port, app, threaded=True)
            Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Answer no more; connections are refused."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def serve_at(self, listening: socket.socket) -> BaseWSGIServer:
        """Answer at another socket too, until the server that this returns is shut down."""
        host, port = listening.getsockname()[:2]
        app = DomainDispatcherApplication(create_backend_app)
        server = make_server(host, port, app, threaded=True, fd=listening.fileno())
        Thread(target=server.serve_forever, daemon=True).start()
        return server

    def client(self) -> Any:
        """botocore's own, to look at what was stored."""
        return botocore.session.Session().create_client(
            "s3",
            region_name="us-east-1",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEYS["access_key_id"],
            aws_secret_access_key=KEYS["secret_access_key"],
        )

    def new_bucket(self) -> str:
        name = f"recordings-{uuid4().hex}"
        self.client().create_bucket(Bucket=name)
        return name

    def settings(self, name: str) -> dict[str, str]:
        """The settings of an installation whose recordings lie in that bucket."""
        return {
            "s3_bucket": name,
            "s3_endpoint": self.endpoint,
            "s3_access_key_id": KEYS["access_key_id"],
            "s3_secret_access_key": KEYS["secret_access_key"],
            "s3_prefix": "longscribe",
        }

    def environment(self, name: str) -> dict[str, str]:
        """The same for the processes of an installation."""
        return {
            f"LONGSCRIBE_{setting.upper()}": value for setting, value in self.settings(name).items()
        }

    def bucket(
        self, folder: Path, name: str | None = None, *, presigned_s: int = 0, **values: Any
    ) -> Bucket:
        """A BlobStore in a new bucket, or in that one, with parts as small as they can be."""
        address = BucketAddress(
            bucket=name or self.new_bucket(),
            prefix="longscribe/",
            endpoint=self.endpoint,
            **KEYS,
            **values,
        )
        return Bucket(
            address,
            folder=folder / "transfers",
            work=WorkSpace(folder / "work", 0),
            part_bytes=PART_BYTES,
            presigned_s=presigned_s,
        )
