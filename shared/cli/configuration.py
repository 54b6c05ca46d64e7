"""The settings of a command."""

from __future__ import annotations

from shared.private_files import take_umask
from shared.settings import Settings, load_settings


def configured() -> Settings:
    """Read the settings, and make files from now on as they say. Raises InvalidSettings."""
    settings = load_settings()
    take_umask(settings)
    return settings
