"""A meeting whose voices were told apart, and what a test does on its page."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.speakers import VoiceMap, VoicePiece
from shared.speakers.edits import EditKind
from shared.speakers.stored import edit_speakers
from shared.transcripts.values import SAMPLE_RATE, Sentence, Transcript, Version
from tests.support import factories
from tests.support.services import Stack

TEXTS = ("大家好。", "我们开始吧。", "先看上周的进度。", "预算还没有批下来。", "好，下一项。")
FAR = 120


def transcript(turns: list[int]) -> Transcript:
    """A sentence of four seconds for each of `turns`, which are numbers of speakers."""
    sentences = tuple(
        Sentence(5.0 * n, 5.0 * n + 4, TEXTS[n % len(TEXTS)], speaker=f"说话人{speaker}")
        for n, speaker in enumerate(turns)
    )
    return replace(factories.TRANSCRIPT, duration=5.0 * len(turns), sentences=sentences)


def voices(turns: list[int]) -> VoiceMap:
    """A map in which each speaker is a group; a higher number is farther from the first."""
    groups = max(turns)
    return VoiceMap(
        encoder="e",
        threshold=40,
        pieces=tuple(
            VoicePiece(5 * n * SAMPLE_RATE, (5 * n + 4) * SAMPLE_RATE, speaker - 1)
            for n, speaker in enumerate(turns)
        ),
        distances=bytes(
            min(FAR, 60 + 5 * other) for one in range(groups) for other in range(one + 1, groups)
        ),
    )


def finished(db: Database, turns: list[int], *, with_voices: bool = True) -> str:
    """A completed job in which these speak in turn. Nothing else may be queued."""
    job_id = factories.submit(
        db, filename="周会 standup.wav", options={"speakers": "auto"} if with_voices else {}
    )
    claim = factories.claim(db)
    factories.recognise(db, claim)
    jobs.finish(db, claim, transcript(turns), voice_map=voices(turns) if with_voices else None)
    return job_id


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
    return page.locator(f'#sentences > li[data-n="{n}"]')
