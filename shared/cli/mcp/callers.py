"""Callers of the tools: over stdio the person who started the process, over HTTP the sender of a
request."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError

from longscribe_client.connection import Connection
from longscribe_client.errors import AuthenticationFailed, ClientError
from shared.errors import LongscribeError

_PATIENCE_S = 20.0
"""Seconds for which a server that is busy or away is asked again, while a model waits."""

_BEARER = re.compile(r"Bearer +([\x21-\x7e]{1,500}) *", re.IGNORECASE)


@dataclass(frozen=True)
class Callers:
    """Opens the server for each call with the key of whoever makes it.

    Over HTTP nobody is lent a key: what the process was started with is not looked at, and a
    request without one is asked on without one, which a server with accounts refuses.
    """

    address: str
    key: str | None = None
    over_http: bool = False

    def link(self, path: str) -> str:
        """The whole address of a page that the server names by its path."""
        return urljoin(self.address, path)

    @contextmanager
    def server(self, context: Context[Any, Any]) -> Iterator[Connection]:
        """The server as this caller sees it. Raises ToolError with what to do."""
        key = None
        try:
            key = _key_of(context) if self.over_http else self.key
            there = Connection(self.address, key, patience_s=_PATIENCE_S)
            try:
                yield there
            finally:
                there.close()
        except (ClientError, LongscribeError) as error:
            raise ToolError(self._told(error, key)) from None

    def _told(self, error: ClientError | LongscribeError, key: str | None) -> str:
        told = error.message
        if self.over_http and isinstance(error, AuthenticationFailed):
            told = (
                "The server needs an API key: the client of this MCP server has to send "
                "'Authorization: Bearer KEY'. The account page makes keys."
            )
        return told.replace(key, "…") if key else told


def _key_of(context: Context[Any, Any]) -> str | None:
    given = (context.headers or {}).get("authorization")
    if given is None:
        return None
    found = _BEARER.fullmatch(given)
    if found is None:
        raise ClientError("Send the API key as 'Authorization: Bearer KEY'.")
    return found[1]
