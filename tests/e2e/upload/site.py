"""A server behind a line that breaks, and what a test does on its front page."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, Request, expect
from sqlalchemy import select

from shared.db import Database
from shared.models import Recording, Upload
from tests.e2e.conftest import PATIENCE_MS
from tests.support.stack import Stack, wait_for
from tests.support.web.cut_line import Line
from tests.support.web.tus_client import MIB

LARGE = 40 * MIB


@dataclass
class Site:
    stack: Stack
    db: Database
    line: Line
    complaints: list[str] = field(default_factory=list)

    def open(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.set_default_timeout(PATIENCE_MS)
        page.goto(f"http://127.0.0.1:{self.line.port}/")
        return page

    def sha256s(self) -> list[str]:
        with self.db.reading() as session:
            return list(session.scalars(select(Recording.sha256)).all())

    def received(self) -> int:
        """Bytes that some upload was told to be safe."""
        with self.db.reading() as session:
            return max(session.scalars(select(Upload.received_bytes)).all(), default=0)

    def wait_for_a_piece(self) -> None:
        """And let the next crawl, on a line that was slowed down."""
        wait_for(lambda: self.received() > 0, seconds=240, what="the first piece")
        self.line.crawl()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def choose(page: Page, *paths: Path) -> None:
    page.get_by_label("Choose recordings").set_input_files(list(paths))


def pieces_of(page: Page) -> list[int]:
    """The first byte of each piece that the page sends from now on, in the order of sending.

    The line's own count would be of what an upload that was given up had left in the buffers too.
    """
    begins: list[int] = []

    def note(request: Request) -> None:
        if request.method == "PATCH":
            begins.append(int(request.headers["upload-offset"]))

    page.on("request", note)
    return begins


def expect_done(site: Site, page: Page, path: Path) -> None:
    expect(page.locator("#uploads li")).to_have_count(0)
    expect(page.get_by_role("link", name=path.stem, exact=True).first).to_be_visible()
    assert site.sha256s() == [sha256(path)]
