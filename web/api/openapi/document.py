"""The OpenAPI document: what the views declare, completed with what follows from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, cast

from apiflask import APIFlask
from flask import Flask, current_app
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from web.api.openapi.operations import COMPLETIONS_OF_A_VIEW, ERROR, Operation, inlined
from web.api.parsing import QUERY_OF_A_VIEW
from web.api.schemas.errors import ErrorResponse
from web.api.schemas.speakers.job_speakers import SpeakersEditedMeanwhileOut
from web.api.schemas.transcripts.corrections import EditedMeanwhileOut
from web.errors import WITH_RETRY_AFTER
from web.http.csrf import SAFE_METHODS
from web.uploads import tus_openapi

SPEC_PATH = "/api/openapi.json"

_ERROR_ANSWERS = (ErrorResponse, EditedMeanwhileOut, SpeakersEditedMeanwhileOut)

_EXTENSION = "longscribe.openapi"

_RULE_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")

_TAGS = {
    "/api/v1/me": "Account",
    "/api/v1/audit": "Account",
    "/api/v1/groups": "Account",
    "/api/v1/models": "Models",
    "/api/v1/replacements": "Words",
    "/api/v1/hotwords": "Words",
    "/api/v1/minutes": "Minutes",
    "/api/v1/webhooks": "Webhooks",
    "/api/v1/labels": "Jobs",
    "/api/v1/searches": "Jobs",
    "/api/v1/shared": "Jobs",
    "/api/v1/report-template": "Jobs",
}
"""The tags of the paths that are about neither jobs nor uploads, by what they begin with."""

_ERRORS = {
    "400": "The request is not one that this address understands; `param` names the field.",
    "401": "Sign-in is required here, and the key is missing, wrong or revoked.",
    "403": "A page of another site sent this request, or it asks for what only administrators "
    "or the owner of a shared recording may.",
    "404": "There is no such job, upload or pair.",
    "409": "The job's state, or an earlier use of the Idempotency-Key, does not allow this.",
    "410": "The upload's bytes are no longer here.",
    "413": "The file is larger than this server accepts, or than your share of its disk.",
    "415": "The body is compressed, or of a type that is not read here.",
    "416": "The `Range` lies beyond the end of the recording; `Content-Range` gives its length.",
    "422": "The address cannot be used, or leads where nothing is sent.",
    "423": "Another request is writing to the upload.",
    "429": "You hold or have used as much as you may at a time; the message says of what.",
    "503": "The database does not answer, `queue_full`: too much audio waits already, "
    "`too_many_transfers`: too many uploads and downloads at once, or `model_choice_unavailable`: "
    "a worker of an earlier version takes jobs of any model.",
    "507": "The server's disk is too full.",
}


def configure_openapi(app: APIFlask) -> None:
    app.config["AUTO_VALIDATION_ERROR_RESPONSE"] = False
    app.config["AUTO_404_RESPONSE"] = False
    app.config["AUTO_OPERATION_ID"] = False
    app.config["AUTO_SERVERS"] = False
    app.tags = [
        {"name": name}
        for name in ("Jobs", "Uploads", "Models", "Words", "Minutes", "Webhooks", "Account")
    ]
    app.description = (
        "Submit a recording, ask how its job stands, download the transcript. Every error is "
        '`{"error": {"message", "type", "param", "code"}}`; branch on `code`. '
        "Addresses in the shape of other services (/v1, /v2, /api/v1/services, /api/v1/tasks) are "
        "not listed here."
    )
    app.spec_processor(_complete)


def document() -> dict[str, Any]:
    """The OpenAPI document, without servers: it is made once for an application."""
    if _EXTENSION not in current_app.extensions:
        current_app.extensions[_EXTENSION] = cast(APIFlask, current_app).spec
    return cast(dict[str, Any], current_app.extensions[_EXTENSION])


def _complete(spec: dict[str, Any] | str) -> dict[str, Any] | str:
    """Add the uploads, queries, bodies, headers and errors, which APIFlask does not read off."""
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
    for path, method, view in _routes(current_app):
        if (upload := tus_openapi.operation_of(view)) is not None:
            spec["paths"].setdefault(path, {})[method] = upload
            _complete_operation(
                upload, path, method, view, tag="Uploads", texts=_ERRORS | tus_openapi.ERRORS
            )
        elif (operation := spec["paths"].get(path, {}).get(method)) is not None:
            tag = next((tag for start, tag in _TAGS.items() if path.startswith(start)), "Jobs")
            _complete_operation(operation, path, method, view, tag=tag, texts=_ERRORS)
    return spec


def _routes(app: Flask) -> Iterator[tuple[str, str, Callable[..., object]]]:
    """Yield the path in the document, the method and the view of each route but OPTIONS."""
    for rule in app.url_map.iter_rules():
        path = _RULE_VARIABLE.sub(r"{\1}", rule.rule)
        for method in (rule.methods or set()) - {"OPTIONS"}:
            yield path, method.lower(), app.view_functions[rule.endpoint]


def _complete_operation(
    operation: Operation,
    path: str,
    method: str,
    view: Callable[..., object],
    *,
    tag: str,
    texts: dict[str, str],
) -> None:
    """Complete one operation with what its view declares and with the errors that follow.

    `texts` says what each error means, by status.
    """
    operation["tags"] = [tag]
    operation["operationId"] = _operation_id(view)
    for parameter in operation["parameters"]:
        is_id = parameter["in"] == "path" and parameter["name"].endswith("_id")
        if is_id and parameter["schema"]["type"] == "string":
            parameter["schema"]["format"] = "uuid"
    if (query := vars(view).get(QUERY_OF_A_VIEW)) is not None:
        operation["parameters"] += _query_parameters(query)
    responses = operation["responses"]
    for status in [status for status in responses if status >= "400"]:
        responses[status] = _error_response(status, texts)
    for complete in vars(view).get(COMPLETIONS_OF_A_VIEW, ()):
        complete(operation)
    for status in _errors_that_follow(operation, path, method) - responses.keys():
        responses[status] = _error_response(status, texts)
    operation["responses"] = dict(sorted(responses.items()))


def _errors_that_follow(operation: Operation, path: str, method: str) -> set[str]:
    """The errors that an operation can answer with by its method, its path and what it reads."""
    errors = {"401", "503"}
    # A colleague is told so that a job is shared with them, and not for this.
    if method.upper() not in SAFE_METHODS or "{job_id}" in path:
        errors.add("403")
    if "{" in path:
        errors.add("404")
    if any(parameter["in"] == "query" for parameter in operation["parameters"]):
        errors.add("400")
    if "requestBody" in operation:
        errors |= {"400", "413", "415"}
    return errors


def _error_response(status: str, texts: dict[str, str]) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": texts[status],
        "content": {"application/json": {"schema": ERROR}},
    }
    if int(status) in WITH_RETRY_AFTER:
        response["headers"] = {
            "Retry-After": {
                "description": "Seconds after which trying again is worth it.",
                "schema": {"type": "integer"},
            }
        }
    return response


def _operation_id(view: Callable[..., object]) -> str:
    """The view's name in camel case, `getText` for `get_job_text`: every address is about a job."""
    verb, _, of_what = view.__name__.partition("_")
    words = of_what.removeprefix("job_").split("_")
    return verb + "".join(word.capitalize() for word in words)


def _answers(app: Flask) -> list[type[BaseModel]]:
    """Collect the models that views declare with `output`, and those that errors answer with."""
    declared = [
        vars(view).get("_spec", {}).get("response", {}).get("schema")
        for view in app.view_functions.values()
    ]
    models = {model for model in declared if isinstance(model, type)}
    return [*(one for one in models if issubclass(one, BaseModel)), *_ERROR_ANSWERS]


def _query_parameters(query: type[BaseModel]) -> list[dict[str, Any]]:
    parameters = []
    for name, value in inlined(query)["properties"].items():
        shape = dict(value)
        shape.pop("title", None)
        description = shape.pop("description", "")
        # Optional in a query means absent, never null.
        for choice in shape.pop("anyOf", []):
            if choice.get("type") != "null":
                shape = {**choice, **{k: v for k, v in shape.items() if v is not None}}
        if shape.get("default") is None:
            shape.pop("default", None)
        parameters.append(
            {"name": name, "in": "query", "description": description, "schema": shape}
        )
    return parameters
