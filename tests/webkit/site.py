"""A server with two people, one of whom has recordings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from shared import jobs
from shared.accounts import Person
from shared.db import Database
from shared.storage.local.folder import LocalFolder
from shared.transcripts.values import Sentence
from tests.support.browsers.webkit import DESK, WebKit
from tests.support.people import PASSWORD, a_person, an_admin
from tests.support.speech import long_transcript
from tests.support.speech.meeting import in_turn
from tests.support.stack import Stack

RECORDED_S = 60.0
SPOKEN = long_transcript.transcript(RECORDED_S / 3600, 300)
UNCERTAIN = (3, 2)
"""A sentence and its word that was recognised with little certainty."""

_SIGN_IN = """const [name, password] = arguments;
const field = document.querySelector("#password");
document.querySelector("#name").value = name;
field.value = password;
field.form.requestSubmit();"""


@dataclass
class Site:
    stack: Stack
    db: Database
    anna: Person
    heard: str
    """The job with a recording of a minute."""
    meeting: str
    """The job in which three speak, without its recording."""

    @property
    def url(self) -> str:
        return self.stack.url

    def sign_in(self, browser: WebKit, name: str = "Anna", size: tuple[int, int] = DESK) -> None:
        """Sign in and land on the front page, with all on it that comes later."""
        browser.open(self.url, size)
        browser.run(_SIGN_IN, name, PASSWORD)
        self.wait_for_front_page(browser, name)

    def wait_for_front_page(self, browser: WebKit, name: str) -> None:
        browser.the(".site .menu summary", name)
        browser.the("#share p")  # it comes later, and moves what is below

    def open(self, browser: WebKit, job_id: str, size: tuple[int, int] = DESK) -> None:
        """Open a job's page as Anna."""
        self.sign_in(browser, size=size)
        browser.open(f"{self.url}/jobs/{job_id}", size)

    def text(self, n: int) -> str:
        """A sentence of the recording as it stands."""
        found = jobs.get_transcript(self.db, owner_id=self.anna.id, job_id=self.heard)
        return found.sentences[n].text


def furnished(stack: Stack) -> Site:
    """The recordings are taken over by the first account."""
    db = Database(stack.database_url)
    blobs = LocalFolder(stack.folder / "data" / "recordings", min_free_bytes=0)
    heard = long_transcript.finished_job(
        db, blobs, long_transcript.tone(RECORDED_S), _with_an_uncertain_word()
    )
    meeting = in_turn(db, [1, 2, 1, 1, 3, 2])
    anna = an_admin(db)
    a_person(db, "Bo")
    return Site(stack, db, anna, heard, meeting)


def _with_an_uncertain_word() -> long_transcript.Transcript:
    def spoken(n: int, one: Sentence) -> Sentence:
        words = tuple(
            replace(word, confidence=0.2 if (n, place) == UNCERTAIN else 0.97)
            for place, word in enumerate(one.words)
        )
        return replace(one, words=words)

    sentences = tuple(spoken(n, one) for n, one in enumerate(SPOKEN.sentences))
    return replace(SPOKEN, sentences=sentences, low_confidence_share=0.02)
