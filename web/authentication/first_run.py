"""The announcement of the set-up code to the operator."""

from __future__ import annotations

import structlog
from sqlalchemy.exc import SQLAlchemyError

from shared.accounts.set_up import code_unless_set_up
from shared.settings import Settings

log = structlog.stdlib.get_logger(__name__)


def announce_set_up(settings: Settings) -> None:
    """Log the set-up code as a warning, where sign-in is required and there is no account yet."""
    if not settings.requires_sign_in:
        return
    try:
        code = code_unless_set_up(settings)
    except SQLAlchemyError:  # not there yet: the page announces it again when it is opened
        return
    if code is not None:
        log.warning("nobody has an account yet: open /set-up and enter this code", code=code)
