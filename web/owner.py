"""Whose jobs a request is about. The one place that sign-in will change."""

from __future__ import annotations

from shared.models import LOCAL_OWNER


def current_owner_id() -> str:
    """Everything belongs to one owner as long as nobody signs in."""
    return LOCAL_OWNER
