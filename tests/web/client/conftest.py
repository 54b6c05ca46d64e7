"""The same server as the commands have."""

from tests.web.commands.conftest import app, transport

__all__ = ["app", "transport"]
