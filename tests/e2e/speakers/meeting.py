"""A meeting whose voices were told apart, and what a test does on its page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.speakers.edits import EditKind
from shared.speakers.transcript_speakers import edit_speakers
from shared.transcripts.values import Version
from tests.support.stack import Stack


@dataclass
class Meeting:
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
        # The names are buttons once the script has asked who speaks.
        panel(page).locator("button.name").first.wait_for(state="attached")
        return page

    def _said(self, line: object) -> None:
        # The browser itself notes each answer of 4xx and each dropped line.
        kind, text = line.type, line.text  # type: ignore[attr-defined]
        if kind in ("error", "warning") and "Failed to load resource" not in text:
            self.complaints.append(text)

    def names(self) -> list[str | None]:
        """Who speaks each sentence, as every file says it."""
        found = jobs.get_transcript(self.db, owner_id=LOCAL_OWNER, job_id=self.job_id)
        return [sentence.speaker for sentence in found.sentences]

    def edit(self, kind: EditKind, *, revision: int = 0, **detail: Any) -> None:
        """Change the speakers in the database, as another person would elsewhere."""
        edit_speakers(
            self.db,
            job_id=self.job_id,
            editor_id=LOCAL_OWNER,
            recognised=jobs.get_transcript(
                self.db, owner_id=LOCAL_OWNER, job_id=self.job_id, version=Version.RECOGNISED
            ),
            revision=revision,
            kind=kind,
            detail=detail,
        )


def panel(page: Page) -> Locator:
    return page.locator("#speakers")


def person(page: Page, number: int) -> Locator:
    return panel(page).locator(f'.people > li[data-who="{number}"]')


def said(page: Page) -> Locator:
    return panel(page).locator(".told")


def sentence(page: Page, n: int) -> Locator:
    return page.locator(f'#sentences li[data-n="{n}"]')
