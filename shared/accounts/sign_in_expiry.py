"""End of a sign-in by itself: after a time without use, and after a time at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_

from shared.db import database_now
from shared.models import SignIn
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """The end of a sign-in: `idle_s` seconds after its last use, `lifetime_s` after its start."""

    idle_s: float
    lifetime_s: float


def session_limits(settings: Settings) -> SessionLimits:
    """Convert the settings of sign-ins from hours to seconds."""
    return SessionLimits(
        idle_s=settings.session_idle_hours * 3600, lifetime_s=settings.session_max_hours * 3600
    )


def is_over(limits: SessionLimits) -> Any:
    """The condition that a sign-in has ended by itself."""
    return or_(
        SignIn.seen_at <= database_now(-limits.idle_s),
        SignIn.created_at <= database_now(-limits.lifetime_s),
    )
