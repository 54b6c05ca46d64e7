"""Permission to send a job with priority over those of others."""

from __future__ import annotations

from shared.accounts.errors import PriorityNotAllowed
from web.authentication.sign_in import current_person
from web.services import services


def require_priority(priority: int) -> None:
    """Refuse a priority above 0 to everybody but administrators. Raises PriorityNotAllowed.

    Without sign-in there is one person, who administers the server.
    """
    if priority <= 0 or not services().settings.requires_sign_in:
        return
    person = current_person()
    if person is None or not person.is_admin:
        raise PriorityNotAllowed(param="priority")
