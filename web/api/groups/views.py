"""/api/v1/groups: the groups that one is in; administrators make and fill them."""

from __future__ import annotations

from uuid import UUID

from apiflask import APIBlueprint
from flask import Response, jsonify

from shared import accounts
from shared.accounts import GroupRecord
from shared.accounts.errors import GroupNotFound
from shared.sharing.errors import SharingNeedsAccounts
from web.api.groups.schemas import GroupChangeIn, GroupIn, GroupOut, GroupsOut, MemberIn, MemberOut
from web.api.openapi import operations
from web.api.openapi.operations import completed_by
from web.api.parsing import parse_json
from web.authentication.owner import current_owner_id
from web.authentication.sign_in import current_person, require_admin
from web.services import services

blueprint = APIBlueprint("groups", __name__, url_prefix="/api/v1/groups")


@blueprint.get("")
@blueprint.output(GroupsOut)
def list_groups() -> Response:
    """List the groups that you are in, with which you may share.

    An administrator gets all of them, with their members.
    """
    db = services().db
    if _is_admin():
        shown = [_out(one) for one in accounts.groups(db)]
    else:
        shown = [
            _out(one).model_copy(update={"members": None})
            for one in accounts.groups_of(db, current_owner_id())
        ]
    return jsonify(GroupsOut(groups=shown).model_dump(mode="json"))


@blueprint.post("")
@blueprint.output(GroupOut, 201)
@blueprint.doc(responses=[409])
@completed_by(operations.json_body(GroupIn))
def create_group() -> Response:
    """Add a group. For administrators only."""
    wanted = parse_json(GroupIn)
    if current_owner_id() == accounts.LOCAL_OWNER:
        raise SharingNeedsAccounts
    require_admin()
    return _answer(accounts.add_group(services().db, wanted.name), 201)


@blueprint.patch("/<uuid:group_id>")
@blueprint.output(GroupOut)
@blueprint.doc(responses=[409])
@completed_by(operations.json_body(GroupChangeIn))
def change_group(group_id: UUID) -> Response:
    """Change a group's name, or for how long its recordings are kept.

    For administrators only.
    """
    _require_admin_of_groups()
    wanted = parse_json(GroupChangeIn)
    if wanted.name is not None:
        accounts.rename_group(services().db, str(group_id), wanted.name)
    if "kept_days" in wanted.model_fields_set:
        accounts.set_kept_days(services().db, str(group_id), wanted.kept_days)
    return _answer(_group(group_id))


@blueprint.delete("/<uuid:group_id>")
@blueprint.output({}, 204)
def end_group(group_id: UUID) -> Response:
    """Delete a group: what is shared with it is not any more. For administrators only."""
    _require_admin_of_groups()
    accounts.delete_group(services().db, str(group_id))
    return Response(status=204)


@blueprint.post("/<uuid:group_id>/members")
@blueprint.output(GroupOut)
@blueprint.doc(responses=[409])
@completed_by(operations.json_body(MemberIn))
def add_group_member(group_id: UUID) -> Response:
    """Put an account into a group, which takes effect at once. For administrators only."""
    _require_admin_of_groups()
    accounts.add_member(services().db, str(group_id), parse_json(MemberIn).name)
    return _answer(_group(group_id))


@blueprint.delete("/<uuid:group_id>/members/<uuid:user_id>")
@blueprint.output(GroupOut)
def end_group_member(group_id: UUID, user_id: UUID) -> Response:
    """Take an account out of a group, which takes effect at once. For administrators only."""
    _require_admin_of_groups()
    accounts.remove_member(services().db, str(group_id), str(user_id))
    return _answer(_group(group_id))


def _is_admin() -> bool:
    person = current_person()
    return person is not None and person.is_admin


def _require_admin_of_groups() -> None:
    """Refuse everybody but administrators, who alone learn which groups there are. Raises
    GroupNotFound."""
    if not _is_admin():
        raise GroupNotFound


def _group(group_id: UUID) -> GroupRecord:
    """A group with its members. Raises GroupNotFound."""
    for one in accounts.groups(services().db):
        if one.id == str(group_id):
            return one
    raise GroupNotFound


def _out(group: GroupRecord) -> GroupOut:
    members = [MemberOut(id=one.id, name=one.name, issuer=one.issuer) for one in group.members]
    return GroupOut(
        id=group.id,
        name=group.name,
        created_at=group.created_at,
        kept_days=group.kept_days,
        members=members,
    )


def _answer(group: GroupRecord, status: int = 200) -> Response:
    response = jsonify(_out(group).model_dump(mode="json"))
    response.status_code = status
    return response
