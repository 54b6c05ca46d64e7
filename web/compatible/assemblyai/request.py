"""Translation of requests of AssemblyAI's clients into submissions."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from shared.errors import InvalidRequest
from web.api.parsing import parse_any_object, validated
from web.api.schemas.submission import UploadSubmission
from web.fetches.schemas import FetchSubmission

_UPLOADED = re.compile(r".*/v2/upload/([0-9a-f-]{36})")

_WITHOUT_EFFECT = frozenset(
    {
        *("language_code", "language_codes", "language_detection", "language_detection_options"),
        *("language_confidence_threshold", "punctuate", "format_text", "disfluencies"),
        *("speech_threshold", "boost_param", "temperature", "prompt", "domain"),
    }
)
"""Fields that change nothing here: a model hears the languages that it hears, and writes what is
said with punctuation."""

_TAKEN = frozenset(
    {
        *("audio_url", "speech_model", "speech_models", "speaker_labels", "speakers_expected"),
        *("multichannel", "dual_channel", "keyterms_prompt", "word_boost"),
    }
)


def read_request(
    known_models: frozenset[str], *, fetches: bool
) -> UploadSubmission | FetchSubmission:
    """Read the body of this request; `fetches`: recordings elsewhere are fetched. Raises
    InvalidRequest, also for what is not done here."""
    given = parse_any_object()
    for name, value in given.items():
        if name not in _TAKEN | _WITHOUT_EFFECT and value:
            raise InvalidRequest(
                f"'{name[:80]}' is not done by this server. Leave it out.", param=name[:80]
            )
    wanted = {
        "speakers": _speakers(given),
        "channels": "each" if given.get("multichannel") or given.get("dual_channel") else "mix",
        "hotwords": _words(given),
        "model": _model(given, known_models),
    }
    url = given.get("audio_url")
    found = _UPLOADED.fullmatch(_path(url))
    if found is not None:
        return validated(UploadSubmission, {**wanted, "upload_id": found[1]})
    if not fetches:
        raise InvalidRequest(
            "This server fetches no recording from elsewhere. Send the file to /v2/upload, and "
            "the upload_url of the answer here.",
            param="audio_url",
        )
    return validated(FetchSubmission, {**wanted, "url": url})


def _path(url: Any) -> str:
    try:
        return urlsplit(url).path if isinstance(url, str) else ""
    except ValueError:  # "http://[" is no address
        return ""


def _speakers(given: dict[str, Any]) -> str:
    if not given.get("speaker_labels") or given.get("multichannel") or given.get("dual_channel"):
        return "off"
    expected = given.get("speakers_expected")
    return str(expected) if isinstance(expected, int) else "auto"


def _words(given: dict[str, Any]) -> list[Any]:
    words = given.get("keyterms_prompt") or given.get("word_boost") or []
    if not isinstance(words, list):
        raise InvalidRequest("keyterms_prompt: must be a list of texts.", param="keyterms_prompt")
    return words


def _model(given: dict[str, Any], known: frozenset[str]) -> str | None:
    """The model of this server that is named, if one is; AssemblyAI's names stand for any."""
    wanted = given.get("speech_models") or [given.get("speech_model")]
    names = wanted if isinstance(wanted, list) else [wanted]
    return next((name for name in names if isinstance(name, str) and name in known), None)
