"""Operations of uploads in the OpenAPI document, whose requests and answers are headers and
bytes."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from web.uploads import tus_protocol

_View = TypeVar("_View", bound=Callable[..., object])

_OPERATION_OF_A_VIEW = "operation_of_a_view"
"""The attribute that `operation` sets."""

ERRORS = {
    "400": "A header is missing or not well-formed; `param` names it.",
    "404": "There is no such upload.",
    "409": "The upload does not stand at that offset.",
    "410": "The upload has expired.",
    "412": "Another version of the protocol, or none, was asked for.",
    "413": "Larger than this server accepts, than your share of its disk, or than was announced.",
    "415": f"The bytes do not come as {tus_protocol.CONTENT_TYPE}.",
    "460": "The bytes do not have that checksum. Nothing of them was kept.",
}
"""Meaning of an error of an upload by status, where it differs from that of a job."""


def _header(
    name: str, kind: str, description: str, required: bool = False, *, least: int | None = None
) -> dict[str, Any]:
    limit = {} if least is None else {"minimum": least, "maximum": tus_protocol.MOST_BYTES}
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": kind, **limit},
    }


_VERSION = {
    "name": "Tus-Resumable",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "enum": [tus_protocol.VERSION]},
}
ID = {
    "name": "upload_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
LENGTH = _header(
    "Upload-Length",
    "integer",
    "Bytes of the whole recording; required unless they are deferred.",
    least=1,
)
DEFERRED_LENGTH = {
    "name": "Upload-Defer-Length",
    "in": "header",
    "description": "1, instead of `Upload-Length`, for a recording that is still being made.",
    "schema": {"type": "string", "enum": ["1"]},
}
LENGTH_AT_LAST = _header(
    "Upload-Length",
    "integer",
    "Bytes of the whole recording, of an upload whose length was deferred.",
    least=1,
)
METADATA = _header(
    "Upload-Metadata",
    "string",
    "Names, each with a value in base64, separated by commas; `filename` is used.",
)
OFFSET = _header("Upload-Offset", "integer", "Where the upload stands.", True, least=0)
CHECKSUM = _header(
    "Upload-Checksum",
    "string",
    f"One of {', '.join(tus_protocol.CHECKSUM_ALGORITHMS)}, a space, the "
    "digest of this request's bytes in base64.",
)

_BYTES_KEPT = {"description": "Bytes that are safe here.", "schema": {"type": "integer"}}
OFFSET_AND_EXPIRY = {
    "Upload-Offset": _BYTES_KEPT,
    "Upload-Expires": {
        "description": "When it is removed unless somebody goes on with it.",
        "schema": {"type": "string"},
    },
}
"""The headers that say how far an upload came and how long it is kept."""

WHOLE_LENGTH = {
    "Upload-Length": {
        "description": "Bytes of the whole recording, unless they are deferred.",
        "schema": {"type": "integer"},
    },
    "Upload-Defer-Length": {
        "description": "1 while the length has not been told.",
        "schema": {"type": "string"},
    },
}
ADDRESS = {"Location": {"schema": {"type": "string"}}}


def operation(
    status: int,
    meaning: str,
    *parameters: dict[str, Any],
    answers: dict[str, Any] | None = None,
    errors: tuple[int, ...] = (),
    body: bool = False,
) -> Callable[[_View], _View]:
    """Note on a view its operation; summary and description are those of its docstring.

    `answers` are the headers of the response with `status`, `errors` those that follow from
    neither the method, the path nor the body. With `body` it takes bytes.
    """

    def note(view: _View) -> _View:
        summary, _, description = inspect.cleandoc(view.__doc__ or "").partition("\n\n")
        responses: dict[str, Any] = {
            str(status): {"description": meaning, "headers": answers or {}}
        }
        noted: dict[str, Any] = {
            "summary": summary,
            "description": " ".join(description.split()),
            "parameters": [_VERSION, *parameters],
            "responses": responses | {str(error): {} for error in (*errors, 412)},
        }
        if body:
            binary = {"schema": {"type": "string", "format": "binary"}}
            noted["requestBody"] = {
                "required": True,
                "content": dict.fromkeys(tus_protocol.CONTENT_TYPES, binary),
            }
        vars(view)[_OPERATION_OF_A_VIEW] = noted
        return view

    return note


def operation_of(view: Callable[..., object]) -> dict[str, Any] | None:
    """Copy the operation that a view notes; None where it notes none."""
    return copy.deepcopy(vars(view).get(_OPERATION_OF_A_VIEW))
