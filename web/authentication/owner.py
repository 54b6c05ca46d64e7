"""Whose jobs a request is about."""

from __future__ import annotations

from shared.accounts import LOCAL_OWNER
from shared.accounts.errors import Unauthorized
from web.authentication.sign_in import current_person
from web.services import services


def current_owner_id() -> str:
    """The account that asks; without sign-in everything belongs to one owner.

    Raises Unauthorized where sign-in is required and nobody has signed in, which no request gets
    as far as.
    """
    if not services().settings.requires_sign_in:
        return LOCAL_OWNER
    person = current_person()
    if person is None:
        raise Unauthorized
    return person.id
