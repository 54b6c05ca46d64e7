"""An SMTP server on loopback that takes mail, refuses, stalls and breaks off as told."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


@dataclass
class MailServer:
    """The server, what came, and what it answers."""

    on_recipient: str = "250 2.1.5 OK"
    on_data: str = "250 2.0.0 OK"
    breaks_off_after_data: bool = False
    """Takes the mail and hangs up without a word."""
    stalls: bool = False
    """Says nothing once the mail was sent, until the end of the test."""
    received: list[EmailMessage] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    """A mail came, whatever was answered."""
    signed_in: list[str] = field(default_factory=list)
    tls: ssl.SSLContext | None = None
    """Offers STARTTLS with this."""
    port: int = 0
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if self.on_recipient.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.on_recipient

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.came.set()
        if self.stalls:
            await self.free.wait()
        if self.breaks_off_after_data:
            server.transport.abort()
            return "421 gone"
        if self.on_data.startswith("2"):
            read = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(read, EmailMessage)
            self.received.append(read)
        return self.on_data

    def authenticate(self, server: Any, session: Any, envelope: Any, kind: str, data: Any) -> Any:
        """Take the password `right`."""
        assert isinstance(data, LoginPassword)
        self.signed_in.append(data.login.decode())
        return AuthResult(success=data.password == b"right")


@contextmanager
def mail_server(*, port: int = 0, **values: Any) -> Iterator[MailServer]:
    """A mail server from its start to its end; `values` as of MailServer."""
    made = MailServer(**values)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="mail server", daemon=True)
    thread.start()

    async def listen() -> asyncio.Server:
        return await loop.create_server(lambda: _protocol(made, loop), "127.0.0.1", port)

    server = asyncio.run_coroutine_threadsafe(listen(), loop).result(60)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        loop.call_soon_threadsafe(made.free.set)
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        for task in asyncio.all_tasks(loop):
            task.cancel()
            loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
        loop.close()


def _protocol(made: MailServer, loop: asyncio.AbstractEventLoop) -> SMTP:
    return SMTP(
        made,
        hostname="mail.example",
        ident="stand-in",
        loop=loop,
        tls_context=made.tls,
        authenticator=made.authenticate,
        auth_require_tls=False,
        auth_exclude_mechanism=["CRAM-MD5"],
    )
