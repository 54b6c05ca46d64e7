"""A browser and a tus client at Longscribe below a path, behind the proxies of docs/proxy.md."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import BrowserContext, Response, expect
from sqlalchemy import select

from shared import accounts
from shared.db import Database
from shared.models import Recording
from tests.support.people import PASSWORD, an_admin
from tests.support.stack import Stack, wait_for
from tests.support.web import tus_client
from tests.support.web.proxies import NAMES, PATH, start_proxy
from tests.support.web.tus_client import MIB
from tests.support.web.web_site import incoming_bytes, serving, silent_recording


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with serving(tmp_path, LONGSCRIBE_SIGN_IN="required", LONGSCRIBE_PROXIES="1") as made:
        yield made


@pytest.fixture(params=NAMES)
def site(request: pytest.FixtureRequest, stack: Stack, tmp_path: Path) -> str:
    """The address of Longscribe, as the proxy serves it."""
    service, port = start_proxy(request.param, tmp_path / "proxy", stack.port)
    stack.services.append(service)

    def listens() -> bool:
        assert service.process.poll() is None, service.log
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    wait_for(listens, what=request.param)
    return f"http://127.0.0.1:{port}{PATH}"


@pytest.fixture
def db(stack: Stack) -> Iterator[Database]:
    opened = Database(stack.database_url)
    yield opened
    opened.dispose()


def test_a_browser_finds_everything_below_the_path(
    stack: Stack, site: str, db: Database, context: BrowserContext, tmp_path: Path
) -> None:
    anna = an_admin(db)
    key = accounts.make_key(db, user_id=anna.id, name="tus")
    page = context.new_page()
    strayed: list[str] = []
    complaints: list[str] = []

    def note(answer: Response) -> None:
        if not answer.url.startswith((f"{site}/", "blob:")):
            strayed.append(f"{answer.status} {answer.url}")
        elif answer.status >= 400 and answer.status != 404:
            complaints.append(f"{answer.status} {answer.url}")

    page.on("response", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(f"{site}/")
    expect(page).to_have_url(re.compile(rf"{re.escape(site)}/sign-in\?next=.*transcripts"))
    page.get_by_label("Name").fill(anna.name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{site}/")

    recording = silent_recording(tmp_path)
    page.locator("input[type=file]").first.set_input_files(recording)
    link = page.get_by_role("link", name=recording.stem)
    expect(link).to_be_visible()
    with db.reading() as session:
        [sha256] = session.scalars(select(Recording.sha256))
    assert sha256 == hashlib.sha256(recording.read_bytes()).hexdigest()

    page.get_by_role("link", name="中文").click()
    expect(page).to_have_url(f"{site}/")
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.get_by_role("link", name="English").click()
    assert {cookie["path"] for cookie in context.cookies()} == {PATH}  # type: ignore[typeddict-item]

    link.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("standup")
    expect(page).to_have_url(re.compile(rf"{re.escape(site)}/jobs/"))
    page.goto(f"{site}/api/docs")
    expect(page.get_by_text("/api/v1/jobs", exact=True).first).to_be_visible()

    page.goto(f"{site}/")
    page.locator("header .menu summary").click()
    assert complaints == []  # what the list asks while its reader signs out is refused
    page.locator("header .menu").get_by_text("Sign out", exact=True).click()
    expect(page).to_have_url(f"{site}/sign-in")
    assert strayed == []
    tus_through(stack, site, key)
    asks_for_itself(site, key)


def tus_through(stack: Stack, site: str, key: str) -> None:
    """An upload whose client leaves goes on where it stood: the proxy had passed its bytes on."""
    sound = tus_client.Recording(5 * MIB).all()
    signed = {"Authorization": f"Bearer {key}"}
    begun = requests.post(
        f"{site}/api/v1/uploads",
        headers=tus_client.VERSION | signed | {"Upload-Length": str(len(sound))},
        timeout=60,
    )
    assert begun.status_code == 201
    path = begun.headers["Location"]
    assert path.startswith(f"{PATH}/api/v1/uploads/")
    upload = tus_client.Upload(site.removesuffix(PATH), path)
    with upload.open_patch(0, len(sound), **signed) as line:
        line.sendall(sound[: 3 * MIB])
        wait_for(
            lambda: incoming_bytes(stack, upload.id) == 3 * MIB, what="the bytes to be passed on"
        )

    def offset() -> int:
        answer = requests.head(
            f"{upload.server}{path}", headers=tus_client.VERSION | signed, timeout=60
        )
        return int(answer.headers["Upload-Offset"])

    wait_for(lambda: offset() == 3 * MIB, what="what came to be kept")
    assert upload.append(3 * MIB, sound[3 * MIB :], **signed).status_code == 204
    made = requests.post(
        f"{site}/api/v1/jobs", json={"upload_id": upload.id}, headers=signed, timeout=60
    )
    assert made.status_code == 202
    assert made.headers["Location"].startswith(f"{PATH}/api/v1/jobs/")
    assert all(link.startswith(f"{PATH}/") for link in _strings(made.json()["links"]))
    part = requests.get(
        f"{site.removesuffix(PATH)}{made.json()['links']['audio']}",
        headers=signed | {"Range": "bytes=100-199"},
        timeout=60,
    )
    assert (part.status_code, part.content) == (206, sound[100:200])


def asks_for_itself(site: str, key: str) -> None:
    """What a client says under the proxy's names is not believed; programs are told the path."""
    forged = {
        "Authorization": f"Bearer {key}",
        "X-Forwarded-Prefix": "/elsewhere",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-For": "203.0.113.99",
    }
    spec = requests.get(f"{site}/api/openapi.json", headers=forged, timeout=60).json()
    assert spec["servers"] == [{"url": PATH}]
    page = requests.get(f"{site}/sign-in", headers=forged, timeout=60).text
    assert "elsewhere" not in page
    assert "evil.example" not in page


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [one for inner in value.values() for one in _strings(inner)]
    return [value] if isinstance(value, str) else []
