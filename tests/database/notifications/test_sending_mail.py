"""Mails by a real mail server, which takes them, refuses, is down, slow, and breaks off."""

from __future__ import annotations

import smtplib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER, Webhook, WebhookDelivery
from shared.notifications import mail_address
from shared.settings import Settings
from shared.states import JobStatus
from tests.database.webhooks.test_delivery_queue import let_pass
from tests.support import factories
from tests.support.doubles.mail_server import MailServer, mail_server
from tests.support.notifications import SITE, confirmation_token, confirmed, end
from tests.support.stack import hold_port, wait_for
from worker.notifications.mail import Mail
from worker.webhooks.delivery_threads import WebhookSender

ANN = "ann@example.org"


@pytest.fixture
def db(sqlite_url: str) -> Iterator[Database]:
    made = Database(sqlite_url)
    yield made
    made.dispose()


@contextmanager
def sending(db: Database, port: int, **changes: Any) -> Iterator[WebhookSender]:
    values: dict[str, Any] = {
        "mail_host": "127.0.0.1",
        "mail_port": port,
        "mail_security": "none",
        "mail_from": "Longscribe <longscribe@here.example>",
        "sweep_s": 0.2,
        **changes,
    }
    settings = Settings(**values)
    sender = WebhookSender(settings, db)
    sender.start()
    try:
        yield sender
    finally:
        end(sender)


def last(db: Database) -> WebhookDelivery:
    with db.reading() as session:
        found = session.scalars(select(WebhookDelivery).order_by(WebhookDelivery.id.desc())).first()
    assert found is not None
    return found


def tried(db: Database, times: int = 1) -> WebhookDelivery:
    wait_for(lambda: last(db).attempts == times, what=f"attempt {times}")
    return last(db)


def text_of(server: MailServer, n: int, kind: str = "plain") -> str:
    part = server.received[n].get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_the_link_is_sent_then_an_end_without_what_was_said(db: Database) -> None:
    token = confirmation_token(db, LOCAL_OWNER, ANN)
    with mail_server() as server, sending(db, server.port, mail_user="ls", mail_password="right"):
        wait_for(lambda: len(server.received) == 1, what="the link")
        link = f"{SITE}/notifications/mail/confirm/{token}"
        assert link in text_of(server, 0) and f'href="{link}"' in text_of(server, 0, "html")
        mail_address.confirm(db, owner_id=LOCAL_OWNER, token=token)
        job_id = factories.a_job(db, JobStatus.COMPLETED, filename="a <b> & 周会.wav")
        wait_for(lambda: last(db).state == "delivered", what="the end")
    assert server.signed_in == ["ls", "ls"]
    came = server.received[1]
    assert (came["To"], came["From"]) == (ANN, "Longscribe <longscribe@here.example>")
    assert came["Subject"] == "Transcribed: a <b> & 周会"
    assert came["Message-ID"] == f"<{last(db).message_id}@here.example>"
    assert came["Auto-Submitted"] == "auto-generated"
    assert f"{SITE}/jobs/{job_id}" in text_of(server, 1)
    assert "a &lt;b&gt; &amp; 周会" in text_of(server, 1, "html")
    said = jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=job_id).text
    assert said[:5] not in text_of(server, 1) + text_of(server, 1, "html")
    assert len({came["Message-ID"] for came in server.received}) == 2


def test_a_mail_is_in_the_language_of_the_account(db: Database) -> None:
    confirmed(db, LOCAL_OWNER, ANN, "zh")
    factories.a_job(db, JobStatus.FAILED)
    with mail_server() as server, sending(db, server.port):
        wait_for(lambda: len(server.received) == 2, what="both")
    assert {str(one["Subject"]) for one in server.received} == {
        "请确认您的邮箱地址",
        "转写失败：会议",
    }


@pytest.mark.parametrize(
    ("answer", "problem", "is_refused"),
    [
        ("550 5.1.1 no such user", "no_such_mailbox", True),
        ("550 unknown", "no_such_mailbox", True),
        ("550 5.7.1 relaying denied", "refused", False),
        ("552 5.2.2 mailbox full", "refused", False),
        ("451 4.7.1 greylisted", "refused", False),
    ],
)
def test_an_address_that_is_none_is_sent_nothing_more(
    db: Database, answer: str, problem: str, is_refused: bool
) -> None:
    confirmed(db, LOCAL_OWNER, ANN)
    with mail_server(on_recipient=answer) as server, sending(db, server.port):
        with db.reading() as session:
            first = session.scalars(select(WebhookDelivery.id)).one()
        assert last(db).id == first
        shown = tried(db)
        assert (shown.problem, shown.status_code) == (problem, int(answer[:3]))
        wait_for(
            lambda: (
                (found := mail_address.mail_of(db, LOCAL_OWNER)) is not None
                and found.is_refused is is_refused
            ),
            what="the page's word of it",
        )
    factories.a_job(db, JobStatus.COMPLETED)
    assert (last(db).id == first) is is_refused
    assert (
        mail_address.set_mail(
            db,
            owner_id=LOCAL_OWNER,
            address=ANN,
            types=mail_address.CHOICES,
            language="en",
            site_url=SITE,
        )
        is is_refused
    ), "saved again it begins anew, with a link"


def test_a_server_that_is_down_stalls_or_breaks_off_is_asked_again_under_the_same_id(
    db: Database,
) -> None:
    confirmed(db, LOCAL_OWNER, ANN)
    port = hold_port()
    with sending(db, port):
        assert tried(db).problem == "unreachable"
    with mail_server(port=port, stalls=True) as server:
        let_pass(db)
        with sending(db, port, mail_timeout_s=0.5):
            assert tried(db, 2).problem == "too_slow"
        let_pass(db)
        server.came.clear()
        with sending(db, port):
            assert server.came.wait(60)
    assert last(db).attempts == 2, "stopped it gives back what it is at"
    with mail_server(port=port, breaks_off_after_data=True), sending(db, port):
        assert tried(db, 3).problem == "unreachable"
    let_pass(db)
    with mail_server(port=port, on_data="452 4.3.1 full") as server, sending(db, port):
        assert (tried(db, 4).problem, last(db).status_code) == ("refused", 452)
        server.on_data = "250 OK"
        let_pass(db)
        wait_for(lambda: last(db).state == "delivered", what="the mail")
    assert server.received[0]["Message-ID"] == f"<{last(db).message_id}@here.example>"


def test_a_stall_is_too_slow_where_the_read_times_out_before_the_watch(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Mail, "_end_in_time", lambda self, ended: ended.wait())
    confirmed(db, LOCAL_OWNER, ANN)
    with mail_server(stalls=True) as server, sending(db, server.port, mail_timeout_s=0.5):
        assert tried(db).problem == "too_slow"


def test_a_password_goes_to_a_server_with_the_right_certificate_only(
    db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    made += ["-nodes", "-days", "1", "-subj", "/CN=localhost", "-addext"]
    made += ["subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    confirmed(db, LOCAL_OWNER, ANN)
    with mail_server(tls=context) as server:
        secure: dict[str, Any] = {
            "mail_host": "localhost",
            "mail_security": "starttls",
            "mail_user": "ls",
            "mail_password": "right",
        }
        with sending(db, server.port, **secure):
            assert "certificate" in (tried(db).answer or "").lower()
        assert server.signed_in == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        let_pass(db)
        with sending(db, server.port, **secure):
            wait_for(lambda: last(db).state == "delivered", what="the mail")
    assert server.signed_in == ["ls"]


def test_a_mail_goes_to_the_address_alone_whatever_its_header_reads_as(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ask = [], smtplib.SMTP.rcpt

    def note(self: smtplib.SMTP, recipient: str, options: Any = ()) -> Any:
        asked.append(recipient)
        return ask(self, recipient, options)

    monkeypatch.setattr(smtplib.SMTP, "rcpt", note)
    confirmed(db, LOCAL_OWNER, ANN)
    odd = "=?utf-8?q?a=40b.org=2Cc=40d.org=2Ce?=@example.org"
    with db.writing() as session:  # as one that an earlier version took
        session.execute(update(Webhook).values(url=odd))
    with mail_server() as server, sending(db, server.port):
        wait_for(lambda: last(db).state == "delivered", what="the mail")
    assert asked == [odd]


def test_a_connection_that_is_made_too_late_is_hung_up_on(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirmed(db, LOCAL_OWNER, ANN)
    is_late, connect = threading.Event(), smtplib.SMTP.connect
    hang_up, connected = Mail._hang_up, []

    def note(self: Mail) -> None:
        hang_up(self)
        is_late.set()

    def connect_late(self: smtplib.SMTP, *where: Any) -> Any:
        assert is_late.wait(60)
        connected.append(where)
        return connect(self, *where)

    monkeypatch.setattr(Mail, "_hang_up", note)
    monkeypatch.setattr(smtplib.SMTP, "connect", connect_late)
    with one_that_says_a_letter_at_a_time() as port, sending(db, port, mail_timeout_s=0.5):
        assert tried(db).problem == "too_slow"
    assert len(connected) == 1, "it ended by itself, before the sender gave it up"


@contextmanager
def one_that_says_a_letter_at_a_time() -> Iterator[int]:
    """A mail server whose greeting never ends: no wait for a byte is too long."""
    ended = threading.Event()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(60)  # if nobody comes

    def greet() -> None:
        with suppress(OSError):
            there, _ = listening.accept()
            with there:
                while not ended.wait(0.05):
                    there.sendall(b"2")

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        ended.set()
        thread.join()
        listening.close()


def test_a_mail_about_a_deleted_job_is_not_sent(db: Database) -> None:
    confirmed(db, LOCAL_OWNER, ANN)
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    jobs.delete(db, factories.NotedDeletions(), owner_id=LOCAL_OWNER, job_id=job_id)
    with mail_server() as server, sending(db, server.port):
        wait_for(lambda: last(db).state == "delivered", what="its end in the log")
        wait_for(lambda: len(server.received) == 1, what="the link")
    assert "confirm" in str(server.received[0]["Subject"]).lower()
