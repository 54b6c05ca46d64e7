"""Functions by which a view completes its operation in the OpenAPI document, beyond what APIFlask
reads off it.

A view names these functions with `completed_by`; each changes the operation that it is given.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from shared.export.formats import FORMATS
from shared.minutes.export import FORMATS as MINUTES_FORMATS
from shared.minutes.prompts import CHANGEABLE, LANGUAGES
from shared.states import TemplateKind
from web.api.schemas.speakers.job_speakers import SpeakersEditedMeanwhileOut
from web.api.schemas.submission import SubmitOptions, UploadSubmission
from web.api.schemas.transcripts.corrections import EditedMeanwhileOut
from web.api.schemas.transcripts.exports import ZipRequest
from web.http import recording_media_types
from web.idempotency_key_header import MAX_IDEMPOTENCY_KEY

Operation = dict[str, Any]
Completion = Callable[[Operation], None]
_View = TypeVar("_View", bound=Callable[..., object])

COMPLETIONS_OF_A_VIEW = "completions_of_a_view"
"""The attribute that `completed_by` sets."""

ERROR = {"$ref": "#/components/schemas/ErrorResponse"}


def completed_by(*completions: Completion) -> Callable[[_View], _View]:
    """Note on a view what completes its operation, in this order."""

    def note(view: _View) -> _View:
        vars(view)[COMPLETIONS_OF_A_VIEW] = completions
        return view

    return note


def inlined(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model without references.

    What stands in several places has no title: programs that generate clients name a class after
    it, and refuse two of one name.
    """
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})
    references = Counter(re.findall(r'"#/\$defs/([^"]+)"', json.dumps([schema, definitions])))
    for name, places in references.items():
        if places > 1:
            definitions[name].pop("title", None)

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolve(definitions[value["$ref"].rsplit("/", 1)[-1]])
            return {key: resolve(item) for key, item in value.items()}
        return [resolve(item) for item in value] if isinstance(value, list) else value

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def json_body(model: type[BaseModel]) -> Completion:
    """Build the completion of a view that reads its body as `model`."""

    def complete(operation: Operation) -> None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": inlined(model)}},
        }

    return complete


def json_body_of_kind(models: Mapping[str, type[BaseModel]]) -> Completion:
    """Build the completion of a view that reads its body as one of `models`, by its `kind`."""

    def complete(operation: Operation) -> None:
        schemas = [inlined(model) for model in models.values()]
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": {"oneOf": schemas}}},
        }

    return complete


def submission(operation: Operation) -> None:
    """Describe both bodies of a submission, its Idempotency-Key and the headers of its answer."""
    fields = inlined(SubmitOptions)
    fields["properties"] = {
        "file": {"type": "string", "format": "binary", "description": "Any audio or video file."},
        **fields["properties"],
    }
    # A form would send a list as many fields of one name.
    words = {name: fields["properties"]["hotwords"][name] for name in ("title", "description")}
    fields["properties"]["hotwords"] = {**words, "type": "string", "default": ""}
    fields["required"] = ["file"]
    operation["requestBody"] = {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": fields,
                "encoding": {"metadata": {"contentType": "application/json"}},
            },
            "application/json": {"schema": inlined(UploadSubmission)},
        },
    }
    idempotent(operation)


def idempotent(operation: Operation) -> None:
    """Describe the Idempotency-Key of a submission, and the headers of its answer."""
    operation["parameters"].append(
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Makes repeating this request safe: use a new UUID for each job.",
            "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
        }
    )
    operation["responses"]["202"]["headers"] = {
        "Location": {"description": "What was made.", "schema": {"type": "string"}},
        "Retry-After": {"description": "When to ask first.", "schema": {"type": "integer"}},
    }


def conditional(operation: Operation) -> None:
    """Describe an answer with an ETag, and 304 for a request that sends it back."""
    operation["parameters"].append(
        {
            "name": "If-None-Match",
            "in": "header",
            "description": "The `ETag` of an earlier answer.",
            "schema": {"type": "string"},
        }
    )
    operation["responses"]["200"]["headers"] = {"ETag": {"schema": {"type": "string"}}}
    operation["responses"]["304"] = {"description": "Nothing has changed."}


def polled(operation: Operation) -> None:
    """Describe an answer with an ETag that says when to ask again."""
    conditional(operation)
    operation["responses"]["200"]["headers"]["Retry-After"] = {
        "description": "Seconds to wait; absent once the job is at its end.",
        "schema": {"type": "integer"},
    }


_EVENT = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
}


def endless_event_stream(operation: Operation) -> None:
    """Describe an answer of server-sent events that do not end by themselves."""
    operation["parameters"].append(
        {
            "name": "Last-Event-ID",
            "in": "header",
            "description": "The `id` of the last event that was received.",
            "schema": {"type": "string"},
        }
    )
    operation["responses"] |= {
        "200": {
            "description": "The events, as they happen; the schema is that of each.",
            "content": {"text/event-stream": {"schema": _EVENT}},
        },
    }


def event_stream(operation: Operation) -> None:
    """Describe an answer of server-sent events that end with a job."""
    endless_event_stream(operation)
    operation["responses"]["204"] = {
        "description": "The job is at its end, and the client has its last event."
    }


def transcript_file(operation: Operation) -> None:
    """Describe the download of a transcript, in each format's media type."""
    operation["responses"]["200"] = {
        "description": "The file, named after the recording; with `preview`, its beginning.",
        "content": {
            format_.media_type: {"schema": _FILES.get(format_.name, {"type": "string"})}
            for format_ in FORMATS.values()
        },
    }
    conditional(operation)
    headers = operation["responses"]["200"]["headers"]
    headers["Content-Disposition"] = {"schema": {"type": "string"}}


def prompt_path(operation: Operation) -> None:
    """Name the languages and the prompts that there are."""
    known = {"language": LANGUAGES, "name": CHANGEABLE}
    for parameter in operation["parameters"]:
        if parameter["name"] in known:
            parameter["schema"]["enum"] = list(known[parameter["name"]])


def minutes_file(operation: Operation) -> None:
    """Describe the download of minutes, in each format's media type."""
    binary = {"type": "string", "format": "binary"}
    operation["responses"]["200"] = {
        "description": "The file, named after the recording.",
        "content": {
            format_.media_type: {"schema": binary if name == "docx" else {"type": "string"}}
            for name, format_ in MINUTES_FORMATS.items()
        },
    }
    conditional(operation)
    headers = operation["responses"]["200"]["headers"]
    headers["Content-Disposition"] = {"schema": {"type": "string"}}


def report_file(operation: Operation) -> None:
    """Describe the download of a report."""
    operation["responses"]["200"] = {
        "description": "The file, named after the recording's title.",
        "content": {
            FORMATS[name].media_type: {"schema": _FILES.get(name, {"type": "string"})}
            for name in ("docx", "md")
        },
    }
    conditional(operation)
    headers = operation["responses"]["200"]["headers"]
    headers["Content-Disposition"] = {"schema": {"type": "string"}}


_TEMPLATES = {
    FORMATS[kind.value].media_type: {"schema": {"type": "string", "format": "binary"}}
    for kind in TemplateKind
}


def template_file(operation: Operation) -> None:
    """Describe the download of a template of reports."""
    operation["responses"]["200"] = {
        "description": "The template.",
        "content": _TEMPLATES,
        "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
    }


_ANY_TYPE = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
"""Of a body whose bytes alone tell what it is; some generated clients send nothing else."""


def template_body(operation: Operation) -> None:
    """Describe the body of a template that is uploaded."""
    operation["requestBody"] = {"required": True, "content": _TEMPLATES | _ANY_TYPE}


def zip_file(operation: Operation) -> None:
    """Describe the download of several transcripts."""
    json_body(ZipRequest)(operation)
    operation["responses"]["200"] = {
        "description": "The zip file.",
        "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
    }


_TEXT_FILE = {"text/plain": {"schema": {"type": "string"}}}


def word_list(operation: Operation) -> None:
    """Describe the download of a list of words."""
    operation["responses"]["200"] = {
        "description": "The list.",
        "content": _TEXT_FILE,
        "headers": {"Content-Disposition": {"schema": {"type": "string"}}},
    }


def word_list_body(operation: Operation) -> None:
    """Describe the body of a list of words that is uploaded."""
    operation["requestBody"] = {"required": True, "content": _TEXT_FILE | _ANY_TYPE}


_FILES: dict[str, dict[str, str]] = {
    "json": {"type": "object"},
    "docx": {"type": "string", "format": "binary"},
}


def recording_file(operation: Operation) -> None:
    """Describe the download of a recording, whole or a range of its bytes."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    content = dict.fromkeys(recording_media_types.RANGES, binary)
    operation["responses"]["200"] = {
        "description": "The recording, of the type that its first bytes tell.",
        "content": content,
    }
    operation["responses"]["206"] = {
        "description": "The part that was asked for.",
        "content": content,
        "headers": {"Content-Range": {"schema": {"type": "string"}}},
    }
    operation["responses"]["302"] = {
        "description": "With `pieces=1`: an address of the bucket, which soon expires.",
        "headers": {"Location": {"schema": {"type": "string", "format": "uri"}}},
    }
    conditional(operation)
    for name, description in (
        ("Range", "One range of bytes, `bytes=0-1023` for instance."),
        ("If-Range", "The `ETag` of an earlier answer: all is sent if that was of another file."),
    ):
        operation["parameters"].append(
            {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        )


def edited_meanwhile(operation: Operation) -> None:
    """Describe the 409 that carries the sentence as somebody else left it."""
    _conflict(operation, EditedMeanwhileOut, "`edited_meanwhile` with the sentence as it is now")


def speakers_edited_meanwhile(operation: Operation) -> None:
    """Describe the 409 that carries the speakers as somebody else left them."""
    _conflict(
        operation,
        SpeakersEditedMeanwhileOut,
        "`speakers_edited_meanwhile` with who speaks by now",
    )


def _conflict(operation: Operation, answer: type[BaseModel], description: str) -> None:
    choices = [{"$ref": f"#/components/schemas/{answer.__name__}"}, ERROR]
    operation["responses"]["409"] = {
        "description": f"{description}, or `transcript_not_ready`.",
        "content": {"application/json": {"schema": {"anyOf": choices}}},
    }
