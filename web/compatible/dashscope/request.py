"""Translation of requests of DashScope's clients into submissions."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from shared.errors import InvalidRequest
from web.api.parsing import parse_any_object, validated
from web.api.schemas.submission import UploadSubmission
from web.fetches.schemas import FetchSubmission

_UPLOADED = re.compile(r".*/(?:v2/upload|api/v1/uploads)/([0-9a-f-]{36})")

_OF_ANOTHER = re.compile(r"(paraformer|fun-asr|sensevoice|qwen\d*-asr|gummy)[\w.-]*", re.IGNORECASE)
"""Names of DashScope's models, which stand for whichever model works here."""

_WITHOUT_EFFECT = frozenset(
    {"language_hints", "language", "timestamp_alignment_enabled", "enable_itn", "enable_words"}
)
_TAKEN = frozenset({"channel_id", "diarization_enabled", "speaker_count"})


def read_request(*, fetches: bool) -> UploadSubmission | FetchSubmission:
    """Read the body of this request; `fetches`: recordings elsewhere are fetched. Raises
    InvalidRequest, also for what is not done here."""
    given = parse_any_object()
    asked, parameters = given.get("input"), given.get("parameters") or {}
    if not isinstance(asked, dict) or not isinstance(parameters, dict):
        raise InvalidRequest('Send {"model": …, "input": {"file_urls": […]}}.', param="input")
    for name, value in parameters.items():
        if name not in _TAKEN | _WITHOUT_EFFECT and value:
            raise InvalidRequest(
                f"'{name[:80]}' is not done by this server. Leave it out.", param=name[:80]
            )
    if given.get("resources"):
        raise InvalidRequest(
            "Phrases are not kept here: put the words into the list on the page 'Words'.",
            param="resources",
        )
    wanted = {
        "model": _model(given.get("model")),
        "speakers": _speakers(parameters),
        "channels": _channel(parameters.get("channel_id")),
    }
    urls = asked.get("file_urls")
    if not isinstance(urls, list) or len(urls) != 1:
        raise InvalidRequest("A task has one recording here: name one address.", param="file_urls")
    found = _UPLOADED.fullmatch(_path(urls[0]))
    if found is not None:
        return validated(UploadSubmission, {**wanted, "upload_id": found[1]})
    if not fetches:
        raise InvalidRequest(
            "This server fetches no recording from elsewhere. Send the file to /v2/upload, and "
            "name the upload_url of the answer here.",
            param="file_urls",
        )
    return validated(FetchSubmission, {**wanted, "url": urls[0]})


def _path(url: Any) -> str:
    try:
        return urlsplit(url).path if isinstance(url, str) else ""
    except ValueError:  # "http://[" is no address
        return ""


def _model(name: Any) -> str | None:
    if name is not None and not isinstance(name, str):
        raise InvalidRequest("model: must be a text.", param="model")
    return None if not name or _OF_ANOTHER.fullmatch(name) else name


def _speakers(parameters: dict[str, Any]) -> str:
    if not parameters.get("diarization_enabled"):
        return "off"
    count = parameters.get("speaker_count")
    return str(count) if isinstance(count, int) else "auto"


def _channel(ids: Any) -> Any:
    """Channels are counted from 0 there, and from 1 here; several are heard each by itself."""
    if not ids:
        return "mix"
    if not isinstance(ids, list) or not all(isinstance(one, int) for one in ids):
        raise InvalidRequest("channel_id: must be a list of whole numbers.", param="channel_id")
    return ids[0] + 1 if len(ids) == 1 else "each"
