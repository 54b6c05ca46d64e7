"""The headers of tus 1.0, the protocol for resumable uploads (https://tus.io/protocols)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import Headers

from shared.errors import ChecksumMismatch, InvalidRequest, PermanentError
from web.http.filenames import decode_text

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-defer-length,termination,expiration,checksum"
CHECKSUM_ALGORITHMS = ("sha256", "sha1")
CONTENT_TYPE = "application/offset+octet-stream"

CONTENT_TYPES = (CONTENT_TYPE, "application/octet-stream")
"""The protocol's own, and one that every generator of clients knows."""

PATH = "/api/v1/uploads"

MOST_BYTES = 10**18 - 1

_WHOLE_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


class UnsupportedTusVersion(PermanentError):
    code = "unsupported_tus_version"
    http_status = 412
    default_message = (
        f"Send the header 'Tus-Resumable: {VERSION}'; no other version is spoken here."
    )


class WrongContentType(PermanentError):
    code = "unsupported_media_type"
    http_status = 415
    default_message = f"Send the bytes with the header 'Content-Type: {CONTENT_TYPE}'."


@dataclass(frozen=True, slots=True)
class Checksum:
    """The checksum that the bytes of one request must have."""

    algorithm: str
    digest: bytes

    def begin(self) -> Any:
        """Make the hash object to update with the bytes."""
        return hashlib.new(self.algorithm)

    def require(self, of_received: Any) -> None:
        """Compare the hash of the received bytes. Raises ChecksumMismatch."""
        if not hmac.compare_digest(of_received.digest(), self.digest):
            raise ChecksumMismatch


def whole_number(name: str, header: str | None) -> int:
    """Parse a header that holds a number of bytes. Raises InvalidRequest."""
    if header is None or not _WHOLE_NUMBER.fullmatch(header.strip()):
        raise InvalidRequest(f"{name} must be a whole number of bytes.", param=name)
    return int(header)


def announced_length(headers: Headers) -> int | None:
    """Parse what a new upload says of its length; None where that is deferred.

    Raises InvalidRequest.
    """
    if "Upload-Concat" in headers:
        raise InvalidRequest(
            "Uploads are not joined here: send the file as one, without parallel uploads.",
            param="Upload-Concat",
        )
    deferred = headers.get("Upload-Defer-Length")
    if deferred is None:
        return whole_number("Upload-Length", headers.get("Upload-Length"))
    if deferred.strip() != "1":
        raise InvalidRequest("Upload-Defer-Length must be 1.", param="Upload-Defer-Length")
    if "Upload-Length" in headers:
        raise InvalidRequest(
            "Send either Upload-Length or Upload-Defer-Length, not both.",
            param="Upload-Defer-Length",
        )
    return None


def checksum(header: str | None) -> Checksum | None:
    """Parse `Upload-Checksum: sha256 <base64>`; None without it. Raises InvalidRequest."""
    if header is None:
        return None
    algorithm, _, encoded = header.strip().partition(" ")
    if algorithm not in CHECKSUM_ALGORITHMS:
        raise InvalidRequest(
            f"Upload-Checksum must begin with one of {', '.join(CHECKSUM_ALGORITHMS)}.",
            param="Upload-Checksum",
        )
    digest = _decoded(encoded, "Upload-Checksum")
    if len(digest) != hashlib.new(algorithm).digest_size:
        raise InvalidRequest(
            f"Upload-Checksum is not the length of a {algorithm} digest.", param="Upload-Checksum"
        )
    return Checksum(algorithm, digest)


def metadata(header: str | None) -> dict[str, str]:
    """Parse `Upload-Metadata: filename <base64 of UTF-8>,other <base64>`. Raises InvalidRequest."""
    found: dict[str, str] = {}
    for pair in (header or "").split(","):
        name, _, encoded = pair.strip().partition(" ")
        if not name and not encoded:
            continue
        if not name or name in found:
            raise InvalidRequest(
                "Upload-Metadata must be pairs of a name and a value in base64, separated by "
                "commas, each name once.",
                param="Upload-Metadata",
            )
        found[name] = decode_text(_decoded(encoded, "Upload-Metadata"))
    return found


def _decoded(encoded: str, param: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidRequest(f"{param} holds a value that is not base64.", param=param) from None


class MethodOverride:
    """WSGI middleware that replaces the method of a POST to an upload by `X-HTTP-Method-Override`.

    The protocol asks for this, for clients that cannot send PATCH.
    """

    _METHODS = ("PATCH", "DELETE", "HEAD")

    def __init__(self, application: Any) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        meant = environ.get("HTTP_X_HTTP_METHOD_OVERRIDE", "").upper()
        if (
            meant in self._METHODS
            and environ["REQUEST_METHOD"] == "POST"
            and environ.get("PATH_INFO", "").startswith(f"{PATH}/")
        ):
            environ["REQUEST_METHOD"] = meant
        answer: Iterable[bytes] = self._application(environ, start_response)
        return answer
