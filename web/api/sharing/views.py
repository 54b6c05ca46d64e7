"""/api/v1/jobs/{id}/sharing and /api/v1/shared: who may see a job, and what others share."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify, request, url_for

from shared.accounts import LOCAL_OWNER
from shared.sharing import (
    AccessLevel,
    LinkRecord,
    links_of,
    make_link,
    received_jobs,
    share_job,
    share_job_with_group,
    shares_of,
    sharing_history,
    withdraw_link,
    withdraw_share,
)
from shared.sharing.errors import LinksOff, SharingNeedsAccounts
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse, parse_json, takes_query
from web.api.sharing.schemas import (
    LinkIn,
    LinkOut,
    NewLinkOut,
    ReceivedJobOut,
    ReceivedJobsOut,
    ReceivedQuery,
    ShareIn,
    ShareOut,
    SharingChangeOut,
    SharingOut,
)
from web.authentication.job_access import owner_of
from web.authentication.owner import current_owner_id
from web.services import services

blueprint = APIBlueprint("sharing", __name__, url_prefix="/api/v1")

LINK_ENDPOINT = "links.open_transcript"
"""The page behind a link."""


@blueprint.get("/jobs/<uuid:job_id>/sharing")
@blueprint.output(SharingOut)
def get_sharing(job_id: UUID) -> Response:
    """Ask who may see a job beside you, and what was changed of that. Only its owner is told."""
    return _shown(job_id)


@blueprint.post("/jobs/<uuid:job_id>/shares")
@blueprint.output(SharingOut, 201)
@blueprint.doc(responses=[409])
@completed_by(operations.json_body(ShareIn))
def create_share(job_id: UUID) -> Response:
    """Share a job with a colleague or a group, or change what they may do.

    They never delete it, share it further or change your lists of words, and it costs them none of
    their quota. A name that no account has is kept and opens nothing, unless the operator chose
    that you are told (404 with code `nobody_of_that_name`).
    """
    wanted = parse_json(ShareIn)
    level = AccessLevel(wanted.access)
    if wanted.group is not None:
        share_with_group(job_id, wanted.group, level)
    else:
        share_with(job_id, wanted.name or "", level)
    return _shown(job_id, 201)


@blueprint.delete("/jobs/<uuid:job_id>/shares/<uuid:share_id>")
@blueprint.output(SharingOut)
def end_share(job_id: UUID, share_id: UUID) -> Response:
    """Let a colleague or a group see a job no longer: all that names it answers them 404."""
    withdraw_share(
        services().db, owner_id=owner_of(job_id), job_id=str(job_id), share_id=str(share_id)
    )
    return _shown(job_id)


@blueprint.post("/jobs/<uuid:job_id>/links")
@blueprint.output(NewLinkOut, 201)
@blueprint.doc(responses=[409])
@completed_by(operations.json_body(LinkIn))
def create_link(job_id: UUID) -> Response:
    """Make a link that opens a completed job's transcript without sign-in, for a time.

    Whoever has it reads and nothing more. 409 with code `links_off` says that the operator allows
    none.
    """
    wanted = parse_json(LinkIn)
    address, link = link_to(
        job_id,
        name=wanted.name,
        days=wanted.days,
        with_sound=wanted.with_sound,
        sentence=wanted.sentence,
    )
    shown = NewLinkOut(address=address, **_link(link).model_dump())
    response = jsonify(shown.model_dump(mode="json"))
    response.status_code = 201
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.delete("/jobs/<uuid:job_id>/links/<uuid:link_id>")
@blueprint.output(SharingOut)
def end_link(job_id: UUID, link_id: UUID) -> Response:
    """End a link now."""
    withdraw_link(
        services().db, owner_id=owner_of(job_id), job_id=str(job_id), link_id=str(link_id)
    )
    return _shown(job_id)


@blueprint.get("/shared")
@blueprint.doc(responses=[404])
@blueprint.output(ReceivedJobsOut)
@takes_query(ReceivedQuery)
def list_shared() -> Response:
    """List the jobs that others share with you, newest first."""
    query = parse(ReceivedQuery, request.args)
    found, next_cursor = received_jobs(
        services().db,
        person_id=current_owner_id(),
        limit=query.limit,
        cursor=query.cursor,
        group_id=None if query.group is None else str(query.group),
    )
    shown = ReceivedJobsOut(
        jobs=[
            ReceivedJobOut(
                id=one.job_id,
                title=one.title,
                owner=one.owner_name,
                access=one.level,
                status=one.status,
                duration=one.duration_s,
                created_at=one.created_at,
                shared_at=one.shared_at,
            )
            for one in found
        ],
        next_cursor=next_cursor,
    )
    return jsonify(shown.model_dump(mode="json"))


def share_with(job_id: UUID, name: str, level: AccessLevel) -> None:
    """Share a job of who sent this request. Raises SharingNeedsAccounts and what `share_job`
    raises."""
    here, owner_id = services(), owner_of(job_id)
    if owner_id == LOCAL_OWNER:
        raise SharingNeedsAccounts
    share_job(
        here.db,
        owner_id=owner_id,
        job_id=str(job_id),
        name=name,
        level=level,
        tells_names=here.settings.share_tells_names,
    )


def share_with_group(job_id: UUID, group_id: UUID, level: AccessLevel) -> None:
    """Share a job of who sent this request with a group. Raises SharingNeedsAccounts and what
    `share_job_with_group` raises."""
    owner_id = owner_of(job_id)
    if owner_id == LOCAL_OWNER:
        raise SharingNeedsAccounts
    share_job_with_group(
        services().db,
        owner_id=owner_id,
        job_id=str(job_id),
        group_id=str(group_id),
        level=level,
    )


def link_to(
    job_id: UUID, *, name: str, days: int, with_sound: bool, sentence: int | None
) -> tuple[str, LinkRecord]:
    """Make a link to a job of who sent this request; its address, and what is kept. Raises LinksOff
    and what `make_link` raises."""
    here, owner_id = services(), owner_of(job_id)
    if not here.settings.share_links:
        links_of(here.db, owner_id=owner_id, job_id=str(job_id))  # of another's job: not there
        raise LinksOff
    token, link = make_link(
        here.db,
        owner_id=owner_id,
        job_id=str(job_id),
        name=name,
        days=days,
        with_sound=with_sound,
        sentence=sentence,
    )
    anchor = None if sentence is None else f"s{sentence}"
    return url_for(LINK_ENDPOINT, token=token, _external=True, _anchor=anchor), link


def _link(link: LinkRecord) -> LinkOut:
    return LinkOut(
        id=link.id,
        name=link.name,
        with_sound=link.with_sound,
        sentence=link.sentence,
        created_at=link.created_at,
        expires_at=link.expires_at,
        last_used_at=link.last_used_at,
    )


def _shown(job_id: UUID, status: int = 200) -> Response:
    here, owner_id = services(), owner_of(job_id)
    whose = {"owner_id": owner_id, "job_id": str(job_id)}
    shown = SharingOut(
        job_id=str(job_id),
        shares=[
            ShareOut(
                id=share.id,
                name=share.name,
                access=share.level,
                created_at=share.created_at,
                group=share.group_id,
                opened_at=share.opened_at,
            )
            for share in shares_of(here.db, **whose)
        ],
        links=[_link(link) for link in links_of(here.db, **whose)],
        links_allowed=here.settings.share_links,
        history=[
            SharingChangeOut(
                kind=change.kind, at=change.at, detail=dict(change.detail), editor=change.editor_id
            )
            for change in sharing_history(here.db, **whose)
        ],
    )
    response = jsonify(shown.model_dump(mode="json"))
    response.status_code = status
    return response
