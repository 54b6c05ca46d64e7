"""Other words in the place of those that were found: one by one, everywhere, and taken back."""

from __future__ import annotations

from dataclasses import replace

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, expect

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER, Revision
from shared.storage.local.folder import LocalFolder
from shared.transcripts.values import Transcript, join_text
from shared.words.replacements import lists
from shared.words.replacements.pairs import Pair
from tests.e2e.editing.desk import Desk, field_of, status
from tests.support import factories
from tests.support.speech import long_transcript
from tests.support.stack import Stack, wait_for

WRONG, RIGHT = "gateway", "网关"
COMMON = "我们"


def _with_wrong_words(plain: Transcript) -> Transcript:
    """Every sixth sentence begins with the wrong word, the others with a common one."""
    sentences = list(plain.sentences)
    for n in range(len(sentences)):
        first, *rest = sentences[n].words
        words = (replace(first, word=COMMON if n % 6 else WRONG), *rest)
        text = join_text(word.word for word in words) + "。"
        sentences[n] = replace(sentences[n], words=words, text=text)
    return replace(plain, sentences=tuple(sentences))


SPOKEN = _with_wrong_words(long_transcript.transcript(60 / 3600, 600))


def test_words_are_replaced_one_by_one_and_everywhere_with_one_undo(
    server: Stack, context: BrowserContext
) -> None:
    db = Database(server.database_url)
    lists.put(db, LOCAL_OWNER, [], only=True)
    blobs = LocalFolder(server.folder / "data" / "recordings", min_free_bytes=0)
    job_id = long_transcript.finished_job(db, blobs, long_transcript.tone(60), SPOKEN)
    desk = Desk(server, db, job_id)

    def said() -> str:
        found = jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=job_id)
        return "\n".join(sentence.text for sentence in found.sentences)

    whole = said()
    number = whole.count(WRONG)
    assert number >= 3
    page = desk.open(context)
    page.keyboard.press("r")
    page.get_by_role("searchbox").fill(WRONG)
    expect(page.locator("#find .count")).to_have_text(f"1 of {number}")
    page.get_by_label("Replace with").fill(RIGHT)
    page.keyboard.press("Enter")
    expect(page.locator("#find .count")).to_have_text(f"1 of {number - 1}")
    wait_for(lambda: said() == whole.replace(WRONG, RIGHT, 1), what="the first is replaced")

    page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("listitem")).to_have_count(
        sum(WRONG in line for line in said().splitlines())
    )
    assert Axe().run(page).response["violations"] == []
    dialog.get_by_role("button", name=f"Replace in {number - 1} place").click()
    expect(status(page)).to_contain_text(f"Replaced in {number - 1} place")
    expect(page.locator("#find .count")).to_have_text("Nothing found")
    assert said() == whole.replace(WRONG, RIGHT)
    before = factories.count(db, Revision)
    status(page).get_by_role("button", name="Undo").click()
    expect(page.locator("#find .count")).to_contain_text(f"of {number - 1}")
    wait_for(lambda: said() == whole.replace(WRONG, RIGHT, 1), what="all but the first are back")
    assert factories.count(db, Revision) > before  # taking back is a change like any other
    page.keyboard.press("Escape")

    # A correction offers the same in all other places, and that teaches the pair; also while a
    # search is open that has no words yet.
    page.keyboard.press("/")
    page.get_by_role("searchbox").fill(" ")
    page.keyboard.press("Enter")
    others = said().count(WRONG) - 1
    n = next(n for n, line in enumerate(said().splitlines()) if WRONG in line)
    page.locator(f"#s{n} .text").dblclick()
    field_of(page).fill(field_of(page).input_value().replace(WRONG, "闸道", 1))
    field_of(page).press("Control+Enter")
    same = status(page).get_by_role("button", name="The same in")
    expect(same).to_contain_text(f"{others} other place")
    same.click()
    page.get_by_role("dialog").get_by_role("button", name="Replace in").click()
    expect(status(page)).to_contain_text("Replaced in")
    assert said() == whole.replace(WRONG, RIGHT, 1).replace(WRONG, "闸道")
    status(page).get_by_role("button", name="Write it so from now on").click()
    page.get_by_role("dialog").get_by_role("button", name="From now on").click()
    expect(status(page)).to_contain_text("From now on")
    assert lists.read_all(db, LOCAL_OWNER) == [Pair(WRONG, "闸道")]

    # What is wrong of a common word here is right in most other places.
    assert said().count(COMMON) > 10
    page.locator("#s1 .text").dblclick()
    field_of(page).fill(field_of(page).input_value().replace(COMMON, "他们", 1))
    field_of(page).press("Control+Enter")
    expect(status(page)).to_contain_text("Saved.")
    page.evaluate(
        "() => new Promise((then) => requestIdleCallback(() => requestIdleCallback(then)))"
    )
    expect(status(page).get_by_role("button")).to_have_text(["Undo"])
    lists.put(db, LOCAL_OWNER, [], only=True)
    db.dispose()
    assert desk.complaints == []
