"""A recording beside its transcript, and what a test does on its page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import BrowserContext, Page

from shared.db import Database
from shared.storage.blob_store import BlobStore
from shared.transcripts.values import Transcript
from tests.support.speech import long_transcript
from tests.support.stack import Stack

RECORDED_S = 90.0


STORED = long_transcript.transcript(RECORDED_S / 3600, 450)
"""Words at five characters a second, a usual pace, in some twenty sentences."""


WORD_HIGHLIGHT = "[...(CSS.highlights.get('spoken') ?? [])].map(String).join()"


@dataclass
class Site:
    stack: Stack
    db: Database
    blobs: BlobStore
    job_id: str
    complaints: list[str] = field(default_factory=list)

    def open(self, context: BrowserContext, job_id: str = "", tail: str = "") -> Page:
        page = context.new_page()
        page.on(
            "console",
            lambda line: (
                self.complaints.append(line.text) if line.type in ("error", "warning") else None
            ),
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(f"{self.stack.url}/jobs/{job_id or self.job_id}{tail}")
        return page

    def add(self, content: bytes, stored: Transcript = STORED, **values: Any) -> str:
        return long_transcript.finished_job(self.db, self.blobs, content, stored, **values)


def time_of(page: Page) -> float:
    return float(page.evaluate("document.querySelector('#player audio').currentTime"))


def is_paused(page: Page) -> bool:
    return bool(page.evaluate("document.querySelector('#player audio').paused"))


def wait_for_time(page: Page, least: float, most: float) -> None:
    page.wait_for_function(
        "([least, most]) => { const { currentTime } = document.querySelector('#player audio');"
        " return least <= currentTime && currentTime <= most; }",
        arg=[least, most],
    )


def click_word(page: Page, sentence: int, word: int) -> float:
    """Click the middle of a word; returns its start in seconds."""
    spoken = STORED.sentences[sentence]
    text = spoken.words[word].word
    place = page.evaluate(
        """([n, text]) => {
          const node = document.querySelector(`#s${n} p`).firstChild;
          const range = document.createRange();
          const at = node.data.indexOf(text);
          range.setStart(node, at);
          range.setEnd(node, at + text.length);
          range.startContainer.parentElement.scrollIntoView({ block: 'center' });
          const box = range.getClientRects()[0];
          return [box.left + box.width * 0.8, box.top + box.height / 2];
        }""",
        [sentence, text],
    )
    page.mouse.click(*place)
    return next(each.start for each in spoken.words if each.word == text)
