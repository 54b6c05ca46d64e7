"""The OpenAPI document: what the decorators of the views declare, completed."""

from __future__ import annotations

import re
from typing import Any

from apiflask import APIFlask
from flask import Flask, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.export import FORMATS
from web.api.correction_schemas import CorrectionIn, EditedMeanwhileOut
from web.api.parsing import QUERY_OF_A_VIEW
from web.api.schemas import ErrorResponse, SubmitOptions, UploadSubmission
from web.idempotency import MAX_IDEMPOTENCY_KEY
from web.uploads import tus_openapi

SPEC_PATH = "/api/openapi.json"

_ERROR_ANSWERS = (ErrorResponse, EditedMeanwhileOut)

_RULE_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")

_ERROR = {"$ref": "#/components/schemas/ErrorResponse"}

_ERRORS = {
    "400": "The request is not one that this address understands; `param` names the field.",
    "401": "Sign-in is required here, and the key is missing, wrong or revoked.",
    "403": "A page of another site sent this request.",
    "404": "There is no such job or upload.",
    "409": "The job's state, or an earlier use of the Idempotency-Key, does not allow this.",
    "410": "The upload's bytes are no longer here.",
    "413": "The file is larger than this server accepts.",
    "416": "The `Range` lies beyond the end of the recording; `Content-Range` gives its length.",
    "423": "Another request is writing to the upload.",
    "503": "The database does not answer, or `queue_full`: too much audio waits already.",
    "507": "The server's disk is too full.",
}


def configure_openapi(app: APIFlask) -> None:
    app.config["AUTO_VALIDATION_ERROR_RESPONSE"] = False
    app.config["AUTO_OPERATION_ID"] = False
    app.config["AUTO_SERVERS"] = False
    app.tags = [{"name": "Jobs"}, {"name": "Uploads"}]
    app.description = (
        "Submit a recording, ask how its job stands, download the transcript. Every error is "
        '`{"error": {"message", "type", "param", "code"}}`; branch on `code`.'
    )
    app.spec_processor(_complete)


def _complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
    """Add what decorators cannot declare: the multipart body, queries, headers, downloads."""
    assert isinstance(spec, dict)  # a string only where the document is YAML
    _, schemas = models_json_schema(
        [(model, "serialization") for model in _answers(current_app)],
        ref_template="#/components/schemas/{model}",
    )
    # APIFlask names nested models once for each model that holds them.
    spec["components"]["schemas"] = schemas["$defs"]
    spec["components"]["securitySchemes"] = {
        "apiKey": {
            "type": "http",
            "scheme": "bearer",
            "description": "A key from the account page, where sign-in is required.",
        }
    }
    spec["security"] = [{"apiKey": []}, {}]
    queries = _queries(current_app)
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            operation["tags"] = ["Jobs"]
            operation["operationId"] = _operation_id(path, method)
            operation["responses"]["401"] = {}
            for status, text in _ERRORS.items():
                if status in operation["responses"]:
                    operation["responses"][status] = {
                        "description": text,
                        "content": {"application/json": {"schema": _ERROR}},
                    }
            for parameter in operation["parameters"]:
                # All that APIFlask finds are in the path.
                if parameter["schema"]["type"] == "string":
                    parameter["schema"]["format"] = "uuid"
            if method == "get" and path in queries:
                operation["parameters"] += _query_parameters(queries[path])
    _describe_submission(spec["paths"]["/api/v1/jobs"]["post"])
    _describe_polling(spec["paths"]["/api/v1/jobs/{job_id}"]["get"])
    _describe_polling(spec["paths"]["/api/v1/jobs"]["get"])
    for part in ("history", "peaks", "words"):
        _describe_conditional(spec["paths"][f"/api/v1/jobs/{{job_id}}/{part}"]["get"])
    _describe_audio(spec["paths"]["/api/v1/jobs/{job_id}/audio"]["get"])
    _describe_transcript(spec["paths"]["/api/v1/jobs/{job_id}/transcript"]["get"])
    _describe_correction(spec["paths"]["/api/v1/jobs/{job_id}/sentences/{n}"]["put"])
    spec["paths"] |= tus_openapi.paths(_ERROR)
    return spec


def _answers(app: Flask) -> list[type[BaseModel]]:
    """Collect the models that views declare with `output`, and those that errors answer with."""
    declared = {
        vars(view).get("_spec", {}).get("response", {}).get("schema")
        for view in app.view_functions.values()
    }
    models = [model for model in declared if isinstance(model, type)]
    return [*(one for one in models if issubclass(one, BaseModel)), *_ERROR_ANSWERS]


def _queries(app: Flask) -> dict[str, type[BaseModel]]:
    """Collect the queries that views declare with `takes_query`, by path."""
    return {
        _RULE_VARIABLE.sub(r"{\1}", rule.rule): vars(view)[QUERY_OF_A_VIEW]
        for rule in app.url_map.iter_rules()
        if QUERY_OF_A_VIEW in vars(view := app.view_functions[rule.endpoint])
    }


def _inline(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model without references."""
    schema = model.model_json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return resolve(definitions[value["$ref"].rsplit("/", 1)[-1]])
            return {key: resolve(item) for key, item in value.items()}
        return [resolve(item) for item in value] if isinstance(value, list) else value

    resolved: dict[str, Any] = resolve(schema)
    return resolved


def _operation_id(path: str, method: str) -> str:
    last = path.rsplit("/", 1)[-1]
    names = {
        ("jobs", "post"): "submitJob",
        ("jobs", "get"): "listJobs",
        ("{job_id}", "get"): "getJob",
        ("{job_id}", "delete"): "deleteJob",
        ("transcript", "get"): "getTranscript",
        ("history", "get"): "getHistory",
        ("text", "get"): "getText",
        ("audio", "get"): "getAudio",
        ("peaks", "get"): "getPeaks",
        ("words", "get"): "getWords",
        ("{n}", "get"): "getSentence",
        ("{n}", "put"): "correctSentence",
        ("revisions", "get"): "listSentenceRevisions" if "{n}" in path else "listRevisions",
    }
    return names.get((last, method), f"{last}Job")


def _query_parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    parameters = []
    for name, value in _inline(query)["properties"].items():
        shape = dict(value)
        shape.pop("title", None)
        description = shape.pop("description", "")
        # Optional in a query means absent, never null.
        for choice in shape.pop("anyOf", []):
            if choice.get("type") != "null":
                shape = {**choice, **{k: v for k, v in shape.items() if v is not None}}
        if name == "format":
            shape = {"type": "string", "enum": list(FORMATS), "default": "txt"}
        if shape.get("default") is None:
            shape.pop("default", None)
        parameters.append(
            {"name": name, "in": "query", "description": description, "schema": shape}
        )
    return parameters


def _describe_submission(operation: dict[str, Any]) -> None:
    fields = SubmitOptions.model_json_schema()
    fields["properties"] = {
        "file": {"type": "string", "format": "binary", "description": "Any audio or video file."},
        **fields["properties"],
    }
    fields["required"] = ["file"]
    operation["requestBody"] = {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": fields,
                "encoding": {"metadata": {"contentType": "application/json"}},
            },
            "application/json": {"schema": UploadSubmission.model_json_schema()},
        },
    }
    operation["parameters"].append(
        {
            "name": "Idempotency-Key",
            "in": "header",
            "description": "Makes repeating this request safe: use a new UUID for each job.",
            "schema": {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY},
        }
    )
    operation["responses"]["202"]["headers"] = {
        "Location": {"description": "The job.", "schema": {"type": "string"}},
        "Retry-After": {"description": "When to ask first.", "schema": {"type": "integer"}},
    }
    operation["responses"]["503"]["headers"] = {
        "Retry-After": {
            "description": "Seconds after which trying again is worth it.",
            "schema": {"type": "integer"},
        },
    }


def _describe_polling(operation: dict[str, Any]) -> None:
    _describe_conditional(operation)
    operation["responses"]["200"]["headers"]["Retry-After"] = {
        "description": "Seconds to wait; absent once the job is at its end.",
        "schema": {"type": "integer"},
    }


def _describe_conditional(operation: dict[str, Any]) -> None:
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


def _describe_transcript(operation: dict[str, Any]) -> None:
    operation["responses"]["200"] = {
        "description": "The file, named after the recording; with `preview`, its beginning.",
        "content": {
            format_.media_type: {"schema": _FILES.get(format_.name, {"type": "string"})}
            for format_ in FORMATS.values()
        },
    }
    _describe_conditional(operation)
    headers = operation["responses"]["200"]["headers"]
    headers["Content-Disposition"] = {"schema": {"type": "string"}}


_FILES: dict[str, dict[str, str]] = {
    "json": {"type": "object"},
    "docx": {"type": "string", "format": "binary"},
}


def _describe_audio(operation: dict[str, Any]) -> None:
    content = {"audio/*": {"schema": {"type": "string", "format": "binary"}}}
    operation["responses"]["200"] = {
        "description": "The recording, of the type that its first bytes tell.",
        "content": content,
    }
    operation["responses"]["206"] = {
        "description": "The part that was asked for.",
        "content": content,
        "headers": {"Content-Range": {"schema": {"type": "string"}}},
    }
    _describe_conditional(operation)
    for name, description in (
        ("Range", "One range of bytes, `bytes=0-1023` for instance."),
        ("If-Range", "The `ETag` of an earlier answer: all is sent if that was of another file."),
    ):
        operation["parameters"].append(
            {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}
        )


def _describe_correction(operation: dict[str, Any]) -> None:
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": _inline(CorrectionIn)}},
    }
    choices = [{"$ref": f"#/components/schemas/{EditedMeanwhileOut.__name__}"}, _ERROR]
    operation["responses"]["409"] = {
        "description": "`edited_meanwhile` with the sentence as it is now, or "
        "`transcript_not_ready`.",
        "content": {"application/json": {"schema": {"anyOf": choices}}},
    }
