"""/api/v1/minutes/prompts: what the language model is asked, as each owner wants it."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response, abort, jsonify

from shared.minutes.owner_prompts import change_prompt, changed_prompts, restore_prompt
from shared.minutes.prompts import CHANGEABLE, LANGUAGES, default_prompt
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json
from web.api.schemas.minutes import PromptIn, PromptListOut, PromptOut
from web.authentication.owner import current_owner_id
from web.services import services

blueprint = APIBlueprint("minutes_prompts", __name__, url_prefix="/api/v1/minutes/prompts")


def prompts_of(owner_id: str) -> list[PromptOut]:
    """List an owner's prompts in every language."""
    found = []
    for language in LANGUAGES:
        changed = changed_prompts(services().db, owner_id, language)
        for name in CHANGEABLE:
            default = default_prompt(language, name)
            found.append(
                PromptOut(
                    language=language,
                    name=name,
                    text=changed.get(name, default),
                    default=default,
                    changed=name in changed,
                )
            )
    return found


@blueprint.get("")
@blueprint.output(PromptListOut)
def list_prompts() -> Response:
    """List your prompts for minutes: `part` for each part of a transcript, `merge` for all."""
    return _shown()


@blueprint.put("/<language>/<name>")
@blueprint.output(PromptListOut)
@completed_by(operations.json_body(PromptIn), operations.prompt_path)
def put_prompt(language: str, name: str) -> Response:
    """Change a prompt.

    `part` needs `{{transcript}}` exactly once, and `merge` `{{minutes}}`. The form of the answer is
    asked for apart. It holds for minutes that are asked for from now on.
    """
    _require(language, name)
    wanted = parse_json(PromptIn)
    change_prompt(services().db, current_owner_id(), language, name, wanted.text)
    return _shown()


@blueprint.delete("/<language>/<name>")
@blueprint.output(PromptListOut)
@completed_by(operations.prompt_path)
def delete_prompt(language: str, name: str) -> Response:
    """Go back to the prompt that comes with Longscribe."""
    _require(language, name)
    restore_prompt(services().db, current_owner_id(), language, name)
    return _shown()


def _require(language: str, name: str) -> None:
    if language not in LANGUAGES or name not in CHANGEABLE:
        abort(404)


def _shown() -> Response:
    shown = PromptListOut(prompts=prompts_of(current_owner_id()))
    return jsonify(shown.model_dump(mode="json"))
