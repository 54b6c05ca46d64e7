"""/api/v1/jobs/{id}/rules: taking back what rules made of a transcript, and applying it again."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify

from shared.transcripts import rules
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json
from web.api.schemas.replacements import RulesIn, RulesOut
from web.authentication.job_access import owner_of
from web.services import services

blueprint = APIBlueprint("rules", __name__, url_prefix="/api/v1/jobs")


@blueprint.get("/<uuid:job_id>/rules")
@blueprint.output(RulesOut)
@blueprint.doc(responses=[409])
def get_rules(job_id: UUID) -> Response:
    """Ask how many sentences of a completed job's transcript its rules changed."""
    found = rules.rule_changes(services().db, owner_id=owner_of(job_id), job_id=str(job_id))
    return _shown(job_id, found)


@blueprint.put("/<uuid:job_id>/rules")
@blueprint.output(RulesOut)
@blueprint.doc(responses=[409])
@completed_by(operations.json_body(RulesIn))
def change_rules(job_id: UUID) -> Response:
    """Take back all that rules made of a transcript, or apply it again.

    What people corrected stays as it is, and so does every revision. Repeating this is harmless.
    """
    wanted = parse_json(RulesIn)
    found = rules.apply_rules(
        services().db, owner_id=owner_of(job_id), job_id=str(job_id), applied=wanted.applied
    )
    return _shown(job_id, found)


def _shown(job_id: UUID, found: rules.RuleChanges) -> Response:
    shown = RulesOut(job_id=str(job_id), applied=found.applied, undone=found.undone)
    return jsonify(shown.model_dump(mode="json"))
