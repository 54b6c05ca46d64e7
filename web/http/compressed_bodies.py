"""Refusal of compressed requests: what is in them would be taken for the recording or the JSON."""

from __future__ import annotations

from flask import Flask, Response, request

from shared.errors import PermanentError

_COMPRESSIONS = frozenset({"br", "compress", "deflate", "gzip", "x-compress", "x-gzip", "zstd"})


class CompressedBody(PermanentError):
    code = "compressed_body"
    http_status = 415
    default_message = (
        "The body of this request is compressed, which this server does not undo. Send it as it "
        "is, without Content-Encoding."
    )


def refuse_compressed_bodies(app: Flask) -> None:
    """Answer CompressedBody where a body says that it is compressed, and name what is taken."""
    app.before_request(_check_encoding)
    app.after_request(_tell_what_is_taken)


def _check_encoding() -> None:
    if not request.content_length and "Transfer-Encoding" not in request.headers:
        return  # there is no body
    told = (request.headers.get(name, "") for name in ("Content-Encoding", "Transfer-Encoding"))
    if _COMPRESSIONS & {one.strip().lower() for one in ",".join(told).split(",")}:
        raise CompressedBody


def _tell_what_is_taken(response: Response) -> Response:
    if response.status_code == CompressedBody.http_status:  # RFC 9110, 15.5.16
        response.headers["Accept-Encoding"] = "identity"
    return response
