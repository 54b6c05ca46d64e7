"""The requests to an S3 server, and what their answers mean here.

Uses botocore, which knows multipart uploads across processes (a part is sent by one request and the
whole completed by another) and signs addresses.  It is loaded only where a bucket is set: it takes
some 40 MiB in each process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import urlsplit

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from urllib3.exceptions import HTTPError

from shared.errors import InsufficientStorage
from shared.storage.errors import StorageSilent

_CONNECT_S = 3.0
_QUICK_ANSWER_S = 10.0
_TRIES = 4
_POOL = 160
"""Connections that are kept: as many as a web process has transfers, and some."""

_FULL = frozenset(
    {"QuotaExceeded", "InsufficientStorage", "InsufficientCapacity", "XMinioStorageFull"}
)
_THERE = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_GONE = frozenset({"NoSuchKey", "404", "NotFound"})


class NoSuchUpload(Exception):
    """The multipart upload was completed or aborted."""


class AlreadyThere(Exception):
    """Object that exists although it was to be written only where none is."""


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """Bucket, the way it is reached, and the options with which its objects are written."""

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    public_endpoint: str = ""
    """Address at which browsers reach the server; empty: `endpoint`, which they reach too."""
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_access_key: str = ""
    addressing: str = "auto"
    encryption: str = ""
    kms_key_id: str = ""
    storage_class: str = ""
    timeout_s: float = 30.0

    def url(self, name: str = "") -> str:
        """URL of an object, for messages to the operator."""
        return f"s3://{self.bucket}/{self.prefix}{name}"


class _Use(Enum):
    """Purpose of a client of botocore, by which it is set up."""

    PATIENT = auto()
    QUICK = auto()
    """Requests that are asked once and with a short timeout, since many people's requests wait for
    them."""
    SIGNING = auto()
    NAMING = auto()
    """Telling the host and port of signed addresses, which needs no key."""


class Client:
    """Requests about the objects of one bucket, below its prefix. Raises StorageSilent where the
    server cannot be used, InsufficientStorage where it is full, and FileNotFoundError."""

    def __init__(self, address: BucketAddress) -> None:
        """Keep the address; no connection is made before the first request."""
        self.address = address
        self._made: dict[tuple[int, _Use], Any] = {}

    def send(self, operation: str, name: str, *, quickly: bool = False, **values: Any) -> Any:
        """Send one request about the object `name`, repeated where that helps; its answer.

        `quickly`: once, for what many requests of people wait for. Raises NoSuchUpload too.
        """
        client = self._client(_Use.QUICK if quickly else _Use.PATIENT)
        with self.told(name):
            return getattr(client, operation)(
                Bucket=self.address.bucket, Key=f"{self.address.prefix}{name}", **values
            )

    def pages(self, operation: str, prefix: str) -> Iterator[Any]:
        """The answers of a listing of what begins with `prefix`, one after another."""
        with self.told(prefix):
            yield from (
                self._client(_Use.PATIENT)
                .get_paginator(operation)
                .paginate(Bucket=self.address.bucket, Prefix=f"{self.address.prefix}{prefix}")
            )

    def parts(self, name: str, multipart_id: str) -> Iterator[Any]:
        """The parts of a multipart upload that are there. Raises NoSuchUpload."""
        with self.told(name):
            for page in (
                self._client(_Use.PATIENT)
                .get_paginator("list_parts")
                .paginate(
                    Bucket=self.address.bucket,
                    Key=f"{self.address.prefix}{name}",
                    UploadId=multipart_id,
                )
            ):
                yield from page.get("Parts", ())

    def sign(self, name: str, *, expires_s: int, **values: str) -> str:
        """An address under which whoever has it reads the object for so long, at the public
        endpoint."""
        return self._address_of(_Use.SIGNING, name, expires_s=expires_s, **values)

    def public_origin(self) -> str:
        """Scheme, host and port of what `sign` gives. Asks nobody, not even for a key."""
        parts = urlsplit(self._address_of(_Use.NAMING, "", expires_s=1))
        return f"{parts.scheme}://{parts.netloc}"

    def _address_of(self, use: _Use, name: str, *, expires_s: int, **values: str) -> str:
        with self.told(name):
            address: str = self._client(use).generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self.address.bucket,
                    "Key": f"{self.address.prefix}{name}" or "-",
                    **values,
                },
                ExpiresIn=expires_s,
            )
        return address

    def name_of(self, key: str) -> str:
        """Name of a listed key below the prefix."""
        return key.removeprefix(self.address.prefix)

    def writing(self, *, for_now: bool = False) -> dict[str, Any]:
        """Arguments of every request that makes an object; `for_now`: one that is soon removed."""
        chosen = {
            "ServerSideEncryption": self.address.encryption,
            "SSEKMSKeyId": self.address.kms_key_id,
            # Those for what is seldom read charge for a month at the least.
            "StorageClass": "" if for_now else self.address.storage_class,
        }
        return {name: value for name, value in chosen.items() if value}

    @contextmanager
    def told(self, name: str) -> Iterator[None]:
        """Turn the errors of botocore into ours."""
        try:
            yield
        except ClientError as error:
            raise self._meaning(error, name) from error
        except (BotoCoreError, HTTPError, OSError) as error:
            if isinstance(error, StorageSilent | FileNotFoundError):
                raise
            raise StorageSilent(str(error), self.address.url(name)) from error

    def _meaning(self, error: ClientError, name: str) -> Exception:
        told = error.response.get("Error", {})
        code = str(told.get("Code", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if code == "NoSuchUpload":
            return NoSuchUpload(name)
        if code in _THERE:
            return AlreadyThere(name)
        if code in _GONE:
            return FileNotFoundError(2, "no such object", self.address.url(name))
        if code in _FULL or status == 507:
            return InsufficientStorage()
        return StorageSilent(f"{code}: {told.get('Message', '')}", self.address.url(name))

    def _client(self, use: _Use) -> Any:
        # One for each process: what a fork shares of a connection belongs to neither.
        made = self._made.get((os.getpid(), use))
        if made is None:
            made = self._made[os.getpid(), use] = self._make(use)
        return made

    def _make(self, use: _Use) -> Any:
        address, quickly = self.address, use is _Use.QUICK
        is_public = use in (_Use.SIGNING, _Use.NAMING)  # the host is part of what is signed
        endpoint = (is_public and address.public_endpoint) or address.endpoint
        style = address.addressing
        if style == "auto":  # a server of one's own has seldom a name for each bucket
            style = "path" if endpoint else "virtual"
        config = Config(
            signature_version=UNSIGNED if use is _Use.NAMING else "s3v4",
            s3={"addressing_style": style},
            connect_timeout=_CONNECT_S,
            read_timeout=min(_QUICK_ANSWER_S, address.timeout_s) if quickly else address.timeout_s,
            retries={"mode": "standard", "total_max_attempts": 1 if quickly else _TRIES},
            max_pool_connections=_POOL,
            tcp_keepalive=True,
            # Checksums in trailers are unknown to many servers; parts carry their MD5.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        keys = {}
        if address.access_key_id:  # else botocore looks where AWS's tools look: roles, files
            keys = {
                "aws_access_key_id": address.access_key_id,
                "aws_secret_access_key": address.secret_access_key,
            }
        try:
            return botocore.session.Session().create_client(
                "s3",
                region_name=address.region,
                endpoint_url=endpoint or None,
                config=config,
                **keys,
            )
        except (BotoCoreError, ValueError) as error:
            raise StorageSilent(str(error), address.url()) from error
