"""Kinds of channels to which deliveries are sent."""

from __future__ import annotations

from shared.settings import Settings
from shared.states import ChannelKind


def kinds_sent(settings: Settings) -> frozenset[ChannelKind]:
    """Kinds of channels that the operator allows."""
    allowed = {
        ChannelKind.WEBHOOK: settings.webhooks == "allowed",
        ChannelKind.MAIL: settings.sends_mail,
        ChannelKind.PUSH: settings.sends_pushes,
    }
    return frozenset(kind for kind, is_allowed in allowed.items() if is_allowed)
