"""Firefox's own protocol for what no page may do, as far as a script in its process takes.

Marionette speaks JSON over TCP: each message is its length in bytes, a colon, and a list of four,
`[0, number, command, parameters]` one way and `[1, number, error, result]` the other.
"""

from __future__ import annotations

import json
import socket
from typing import Any


class MarionetteError(Exception):
    """Firefox refused a command; says which and why."""


class Marionette:
    """A connection to a Firefox on this machine that was started with `--marionette`."""

    def __init__(self, port: int, *, timeout_s: float = 60.0) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout_s)
        self._received = self._connection.makefile("rb")
        self._number = 0
        self._message()  # which protocol it speaks
        self.send("WebDriver:NewSession", capabilities={"alwaysMatch": {}})

    def send(self, command: str, **parameters: Any) -> Any:
        """Send a command, and return its result."""
        self._number += 1
        message = json.dumps([0, self._number, command, parameters]).encode()
        self._connection.sendall(b"%d:%s" % (len(message), message))
        _, _, error, result = self._message()
        if error is not None:
            raise MarionetteError(f"{command}: {error['message']}")
        return result

    def run_in_its_process(self, script: str, *arguments: Any) -> Any:
        """Run a script with all that Firefox itself may do, and return what it returns."""
        self.send("Marionette:SetContext", value="chrome")
        return self.send("WebDriver:ExecuteScript", script=script, args=arguments)["value"]

    def close(self) -> None:
        self.send("WebDriver:DeleteSession")
        self._received.close()
        self._connection.close()

    def _message(self) -> Any:
        length = bytearray()
        while (byte := self._received.read(1)) != b":":
            if not byte:
                raise MarionetteError("Firefox closed the connection")
            length += byte
        return json.loads(self._received.read(int(length)))
