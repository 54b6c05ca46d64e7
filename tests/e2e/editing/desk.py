"""A completed job whose transcript is corrected, and what a test does on its page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, Locator, Page, expect

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.transcripts import corrections
from shared.transcripts.values import Version
from tests.support import factories
from tests.support.stack import Stack

FIRST, SECOND = (sentence.text for sentence in factories.TRANSCRIPT.sentences)


@dataclass
class Desk:
    """A completed job, its pages, and the errors of the browsers."""

    stack: Stack
    db: Database
    job_id: str
    complaints: list[str] = field(default_factory=list)

    def open(self, context: BrowserContext) -> Page:
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._said)
        page.goto(f"{self.stack.url}/jobs/{self.job_id}")
        return page

    def _said(self, line: object) -> None:
        # The browser itself notes each answer of 4xx and each dropped line.
        kind, text = line.type, line.text  # type: ignore[attr-defined]
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(text)

    def text(self, n: int, version: Version = Version.CURRENT) -> str:
        found = jobs.get_transcript(
            self.db, owner_id=LOCAL_OWNER, job_id=self.job_id, version=version
        )
        return found.sentences[n].text

    def start(self, n: int) -> float:
        found = jobs.get_transcript(self.db, owner_id=LOCAL_OWNER, job_id=self.job_id)
        return found.sentences[n].start

    def revisions(self, n: int = 0) -> list[str]:
        page = corrections.sentence_revisions(
            self.db, owner_id=LOCAL_OWNER, job_id=self.job_id, n=n, limit=99
        )
        return [found.text for found in page.revisions]

    def correct(self, text: str, *, n: int = 0, revision: int = 0) -> None:
        """Correct a sentence in the database, as another person would elsewhere."""
        corrections.correct(
            self.db,
            owner_id=LOCAL_OWNER,
            job_id=self.job_id,
            n=n,
            text=text,
            revision=revision,
        )


def sentence(page: Page, n: int) -> Locator:
    return page.locator(f'#sentences > li[data-n="{n}"]')


def shown(page: Page, n: int) -> Locator:
    return sentence(page, n).locator(".text")


def expect_text(page: Page, n: int, text: str) -> None:
    """Expect a text, displayed with thin spaces between Chinese and English that it lacks."""
    expect(shown(page, n)).to_have_text(re.compile("^" + r"\s?".join(map(re.escape, text)) + "$"))


def field_of(page: Page) -> Locator:
    return page.locator(".editor textarea")


def edit(page: Page, n: int, text: str) -> None:
    shown(page, n).dblclick()
    field_of(page).fill(text)


def wait_until_sent(page: Page) -> None:
    """Wait for splits, joins and moves that are shown to be at the server.

    Until then the page asks before it is left.
    """
    page.wait_for_function(
        "() => window.dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    )


def status(page: Page) -> Locator:
    return page.locator(".edit-status")
