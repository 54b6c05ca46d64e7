"""Limits for one owner, by numbers and as a share of what is free.

The share follows the method of dynamic thresholds for shared buffers: an owner may hold a part
of what it holds already and what is free together, so that something is left for whoever comes
next, however many they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.models import User
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class OwnerLimits:
    """The most that one owner may hold at a time, and submit in a month; 0: any amount.

    `share` is of the hours that may wait and of the storage, as far as others leave them; 1: all.
    """

    share: float = 1.0
    queued_s: float = 0.0
    queued_jobs: int = 0
    open_uploads: int = 0
    stored_bytes: int = 0
    monthly_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """Amount that an owner holds of something, and the most that it may; None: no limit."""

    held: float
    most: float | None = None

    def admits(self, more: float) -> bool:
        return self.most is None or self.held + more <= self.most


UNLIMITED = OwnerLimits()


def owner_limits(settings: Settings) -> OwnerLimits:
    """The limits that the settings ask for. Without sign-in there is one owner, who shares with
    nobody."""
    return OwnerLimits(
        share=settings.owner_share if settings.requires_sign_in else 1.0,
        queued_s=settings.owner_queued_hours * 3600,
        queued_jobs=settings.owner_queued_jobs,
        open_uploads=settings.owner_open_uploads,
        stored_bytes=settings.owner_stored_bytes,
        monthly_s=settings.owner_monthly_hours * 3600,
    )


def share_of(session: Session, limits: OwnerLimits, owner_id: str) -> float:
    """The share of one owner: all of it while there is no other enabled account."""
    if limits.share >= 1:
        return 1.0
    other = session.scalar(
        select(User.id).where(User.id != owner_id, User.disabled_at.is_(None)).limit(1)
    )
    return limits.share if other is not None else 1.0


def allowance(held: float, *, most: float, share: float = 1.0, left: float = 0.0) -> Allowance:
    """Compute the most that may be held: `most` (0: no limit), and of `held` and `left` together
    the `share`.

    >>> allowance(20, most=0, share=0.5, left=60), allowance(20, most=30, share=0.5, left=60)
    (Allowance(held=20, most=40.0), Allowance(held=20, most=30))
    """
    bounds = [most] if most else []
    if share < 1:
        bounds.append(share * (held + max(0.0, left)))
    return Allowance(held, min(bounds, default=None))
