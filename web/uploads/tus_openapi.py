"""What the OpenAPI document says of uploads, whose bodies and answers are headers and bytes."""

from __future__ import annotations

from typing import Any

from web.uploads import tus_protocol

_VERSION = {
    "name": "Tus-Resumable",
    "in": "header",
    "required": True,
    "schema": {"type": "string", "enum": [tus_protocol.VERSION]},
}
_ID = {
    "name": "upload_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "format": "uuid"},
}
_OFFSET = {"description": "Bytes that are safe here.", "schema": {"type": "integer"}}
_EXPIRES = {
    "description": "When it is removed unless somebody goes on with it.",
    "schema": {"type": "string"},
}
_STANDING = {"Upload-Offset": _OFFSET, "Upload-Expires": _EXPIRES}

_ERRORS = {
    "400": "A header is missing or not well-formed; `param` names it.",
    "403": "A page of another site sent this request.",
    "404": "There is no such upload.",
    "409": "The upload does not stand at that offset.",
    "410": "The upload has expired.",
    "412": "Another version of the protocol, or none, was asked for.",
    "413": "Larger than this server accepts, or more than was announced.",
    "415": f"The bytes do not come as {tus_protocol.CONTENT_TYPE}.",
    "423": "Another request is writing to the upload.",
    "460": "The bytes do not have that checksum. Nothing of them was kept.",
    "503": "The database does not answer, or `queue_full`: too much audio waits already.",
    "507": "The server's disk is too full.",
}


def paths(error: dict[str, str]) -> dict[str, Any]:
    """The uploads' part of `paths`; `error` refers to the schema of an error."""

    def operation(
        name: str,
        summary: str,
        description: str,
        answer: tuple[str, str, dict[str, Any]],
        errors: str,
        *headers: dict[str, Any],
        body: bool = False,
    ) -> dict[str, Any]:
        status, means, answered = answer
        responses: dict[str, Any] = {status: {"description": means, "headers": answered}}
        for code in errors.split():
            responses[code] = {
                "description": _ERRORS[code],
                "content": {"application/json": {"schema": error}},
            }
        made: dict[str, Any] = {
            "tags": ["Uploads"],
            "operationId": name,
            "summary": summary,
            "description": description,
            "parameters": [_VERSION, *headers],
            "responses": responses,
        }
        if body:
            binary = {"schema": {"type": "string", "format": "binary"}}
            made["requestBody"] = {"required": True, "content": {tus_protocol.CONTENT_TYPE: binary}}
        return made

    return {
        tus_protocol.PATH: {
            "post": operation(
                "createUpload",
                "Begin an upload.",
                "The protocol is [tus 1.0](https://tus.io/protocols/resumable-upload) with "
                f"{tus_protocol.EXTENSIONS}; any tus client can be used. Submit the finished "
                'upload with `POST /api/v1/jobs` and `{"upload_id": "…"}`.',
                ("201", "Begun.", {"Location": {"schema": {"type": "string"}}, **_STANDING}),
                "400 403 412 413 503 507",
                _header("Upload-Length", "integer", "Bytes of the whole recording.", True),
                _header(
                    "Upload-Metadata",
                    "string",
                    "Names, each with a value in base64, separated by commas; `filename` is used.",
                ),
            ),
        },
        f"{tus_protocol.PATH}/{{upload_id}}": {
            "head": operation(
                "getUploadOffset",
                "Ask how far an upload came.",
                "The offset counts only what is safe on disk.",
                ("200", "Where to go on.", {"Upload-Length": _OFFSET, **_STANDING}),
                "404 410 412 503",
                _ID,
            ),
            "patch": operation(
                "appendToUpload",
                "Send the next bytes.",
                "As many as you like in one request. If the line drops, what arrived is kept; "
                "with an `Upload-Checksum` a request's bytes are kept all or not at all.",
                ("204", "Kept.", _STANDING),
                "400 403 404 409 410 412 413 415 423 460 503 507",
                _ID,
                _header("Upload-Offset", "integer", "Where the upload stands.", True),
                _header(
                    "Upload-Checksum",
                    "string",
                    f"One of {', '.join(tus_protocol.CHECKSUM_ALGORITHMS)}, a space, the "
                    "digest of this request's bytes in base64.",
                ),
                body=True,
            ),
            "delete": operation(
                "endUpload",
                "Give an upload up.",
                "Its bytes are removed, unless a job was made of them.",
                ("204", "Gone.", {}),
                "403 404 410 412 423 503",
                _ID,
            ),
        },
    }


def _header(name: str, kind: str, description: str, required: bool = False) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": description,
        "schema": {"type": kind},
    }
