"""Shape of an error's JSON: OpenAI's, which is ours too, or that of another service whose clients
ask at its paths."""

from __future__ import annotations

import re
from typing import Any

_LIKE_ASSEMBLYAI = re.compile(r"/v2/(upload|transcript)(/|$)")
_LIKE_DASHSCOPE = re.compile(r"/api/v1/(services|tasks)(/|$)")


def error_object(
    message: str, *, status: int, code: str, param: str | None = None
) -> dict[str, str | None]:
    """Build the value of `error` in a response or a failed job."""
    kind = "invalid_request_error" if status < 500 else "server_error"
    # It may quote what was sent, in which half a character can be that cannot be sent back.
    message = message.encode("utf-8", "replace").decode()
    return {"message": message, "type": kind, "param": param, "code": code}


def in_shape_of(path: str, error: dict[str, str | None]) -> dict[str, Any]:
    """The body of an error, `error_object`'s, in the shape that the clients of `path` read."""
    if _LIKE_ASSEMBLYAI.match(path):
        return {"error": error["message"], "code": error["code"]}
    if _LIKE_DASHSCOPE.match(path):
        return {"code": error["code"], "message": error["message"]}
    return {"error": error}
