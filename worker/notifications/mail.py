"""Mail to one address: its content, and the meaning of the mail server's answer."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import UTC
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from typing import Any

from shared import jobs
from shared.db import Database
from shared.errors import JobNotFound, in_a_line
from shared.outbound.errors import Stopped
from shared.outbound.one_line import line_of
from shared.settings import Settings
from shared.webhooks.delivery_queue import Claim, Result
from shared.webhooks.types import CONFIRM_TYPE
from worker.notifications.texts import LONGEST_NAME, html_text, plain_text, words_of

_GOODBYE_S = 1.0

_HANG_UP_EVERY_S = 0.2
"""Seconds between two ends of a mail that is late: a connection may be made, or wrapped in TLS,
only after the first."""

_NO_SUCH_ADDRESS = (550, 551, 553)
_OF_THE_ADDRESS = re.compile(r"5\.(1\.\d+|2\.1)\b")
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


class Mail:
    """Sends what a claim says. `stop` may be called from another thread."""

    def __init__(self, claim: Claim, db: Database, settings: Settings) -> None:
        self._claim = claim
        self._db = db
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None
        self._is_late = False
        self._is_stopping = False

    def stop(self) -> None:
        """End it now."""
        self._is_stopping = True
        self._hang_up()

    def send(self) -> Result:
        """Send it once; whatever happens is a result. Raises Stopped."""
        begun = time.monotonic()
        try:
            name = self._recording_name()
        except JobNotFound:
            return Result(0.0, answer="the job was deleted meanwhile")
        ended = threading.Event()
        # A timeout of the socket begins anew with every byte.
        threading.Thread(target=self._end_in_time, args=(ended,), daemon=True).start()
        try:
            message = message_of(self._claim, name, sender=self._settings.mail_from)
            answer = self._handed_over(message)
        except (OSError, smtplib.SMTPException, ValueError) as error:
            return self._meaning(error, time.monotonic() - begun)
        finally:
            ended.set()
        return Result(time.monotonic() - begun, answer=answer)

    def _recording_name(self) -> str:
        """Title of the recording; "" in a mail about none. Raises JobNotFound."""
        claim = self._claim
        if claim.job_id is None:
            return ""
        found = jobs.get_job(self._db, owner_id=claim.owner_id, job_id=claim.job_id)
        return line_of(found.job.recording.title, LONGEST_NAME)

    def _handed_over(self, message: EmailMessage) -> str:
        """Hand the message to the mail server; its answer."""
        settings = self._settings
        smtp = self._connected()
        try:
            self._require_going_on()
            if settings.mail_security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
                self._require_going_on()
            if settings.mail_user:
                smtp.login(settings.mail_user, settings.mail_password.get_secret_value())
            self._require_going_on()
            smtp.send_message(message, to_addrs=[self._claim.url])
            # It has the mail from here on: nothing that comes later may have it sent again.
            with suppress(OSError, smtplib.SMTPException):
                if smtp.sock is not None:
                    smtp.sock.settimeout(_GOODBYE_S)
                smtp.quit()
            return ""
        finally:
            smtp.close()

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        timeout_s = settings.mail_timeout_s
        made: smtplib.SMTP
        if settings.mail_security == "tls":
            context = ssl.create_default_context()
            made = smtplib.SMTP_SSL(timeout=timeout_s, context=context)
        else:
            made = smtplib.SMTP(timeout=timeout_s)
        self._smtp = made
        # What a certificate is checked against.
        made._host = settings.mail_host  # type: ignore[attr-defined]
        code, said = made.connect(settings.mail_host, settings.resolved_mail_port)
        if code != 220:
            made.close()
            raise smtplib.SMTPConnectError(code, said)
        return made

    def _meaning(self, error: Exception, took_s: float) -> Result:
        if self._is_stopping:
            raise Stopped from error
        # Where a read timed out first, smtplib says that the connection was closed.
        if self._is_late or took_s >= self._settings.mail_timeout_s:
            return Result(took_s, problem="too_slow")
        code, said = _answer_of(error)
        if code is None:
            return Result(took_s, problem="unreachable", answer=line_of(in_a_line(error)))
        is_gone = isinstance(error, smtplib.SMTPRecipientsRefused) and _names_no_mailbox(code, said)
        return Result(
            took_s,
            status_code=code,
            problem="no_such_mailbox" if is_gone else "refused",
            answer=line_of(said),
            is_gone=is_gone,
        )

    def _require_going_on(self) -> None:
        if self._is_stopping or self._is_late:
            raise OSError("ended")

    def _end_in_time(self, ended: threading.Event) -> None:
        if ended.wait(self._settings.mail_timeout_s):
            return
        self._is_late = True
        self._hang_up()
        while not ended.wait(_HANG_UP_EVERY_S):
            self._hang_up()

    def _hang_up(self) -> None:
        sock = getattr(self._smtp, "sock", None)
        if sock is not None:
            # Whoever waits in recv() wakes up; close() alone would leave it waiting.
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


def message_of(claim: Claim, name: str, *, sender: str) -> EmailMessage:
    """The mail that a claim asks for, about a recording called `name`."""
    words = words_of(claim.type, claim.language)
    settings_page = f"{claim.site_url}/notifications"
    told: dict[str, Any] = {"name": name, "link": f"{claim.site_url}/jobs/{claim.job_id}"}
    told["site"] = settings_page
    if claim.type == CONFIRM_TYPE:
        told["link"] = f"{settings_page}/mail/confirm/{claim.detail.get('token', '')}"
        told["site"] = claim.site_url
    message = EmailMessage()
    message["Subject"] = words.subject.format(name=name)
    message["From"] = sender
    message["To"] = claim.url
    message["Date"] = format_datetime(claim.at.astimezone(UTC))
    # The same however often it is sent, so that mailboxes can tell a second copy.
    message["Message-ID"] = f"<{claim.message_id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    # Not every server takes letters beyond ASCII as they are.
    message.set_content(plain_text(words, **told), cte="base64")
    html = html_text(words, claim.language, **told)
    message.add_alternative(html, subtype="html", cte="base64")
    return message


def _answer_of(error: Exception) -> tuple[int | None, str]:
    """Status and words of the mail server; None where it gave none."""
    said: bytes | str
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))
    elif isinstance(error, smtplib.SMTPResponseException):
        code, said = error.smtp_code, error.smtp_error
    else:
        return None, ""
    if code < 200:  # what smtplib makes of a line that is no answer
        return None, ""
    return code, said.decode("utf-8", errors="replace") if isinstance(said, bytes) else str(said)


def _names_no_mailbox(code: int, said: str) -> bool:
    """Return whether a recipient is refused permanently. A server that does not relay, or a full
    mailbox, says nothing about the address."""
    if code not in _NO_SUCH_ADDRESS:
        return False
    return _OF_THE_ADDRESS.match(said) is not None or _ENHANCED.match(said) is None
