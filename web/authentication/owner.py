"""The owner of the jobs that a request is about."""

from __future__ import annotations

from shared.accounts import LOCAL_OWNER
from shared.accounts.errors import Unauthorized
from web.authentication.sign_in import current_person
from web.services import services


def current_owner_id() -> str:
    """Return the id of the account that sent this request, or LOCAL_OWNER without sign-in.

    Raises Unauthorized where sign-in is required and nobody is signed in. Such a request is refused
    before it reaches a view; this is the second barrier.
    """
    if not services().settings.requires_sign_in:
        return LOCAL_OWNER
    person = current_person()
    if person is None:
        raise Unauthorized
    return person.id
