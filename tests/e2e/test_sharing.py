"""A recording is shared, read, heard, corrected and taken back, in real browsers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from shared.annotations.marks import MarkKind, add_marks, checked_mark
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.speakers.edits import EditKind
from shared.speakers.transcript_speakers import edit_speakers
from shared.storage.local.folder import LocalFolder
from tests.e2e.problems import LOOKS, new_context, problems_of, taken_through
from tests.support.people import PASSWORD, a_person, an_admin
from tests.support.speech import long_transcript
from tests.support.stack import Stack
from tests.support.web.web_site import serving

RECORDED_S = 30.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, str]]:
    """A finished recording of Anna's, whose colleagues are Bo and Eve."""
    env = {"LONGSCRIBE_SIGN_IN": "required", "LONGSCRIBE_SHARE_LINKS": "true"}
    with serving(tmp_path_factory.mktemp("sharing"), **env) as stack:
        db = Database(stack.database_url)
        blobs = LocalFolder(stack.folder / "data" / "recordings", min_free_bytes=0)
        stored = long_transcript.transcript(RECORDED_S / 3600, 120)
        job_id = long_transcript.finished_job(db, blobs, long_transcript.tone(RECORDED_S), stored)
        chapter = checked_mark(MarkKind.CHAPTER, stored.sentences[1].start, "预算")
        local: dict[str, Any] = {"job_id": job_id, "editor_id": LOCAL_OWNER}
        add_marks(db, owner_id=LOCAL_OWNER, marks=[chapter], **local)
        detail = {"sentences": [0, 1], "speaker": "new"}
        of: dict[str, Any] = {
            "recognised": stored,
            "revision": 0,
            "kind": EditKind.ASSIGN,
            "detail": detail,
        }
        edit_speakers(db, **local, **of)
        hour = long_transcript.transcript(1.0, 9000)
        long_transcript.finished_job(db, blobs, long_transcript.tone(1), hour, "一小时.wav")
        an_admin(db)  # to whom it is given
        a_person(db)
        a_person(db, "Eve")
        db.dispose()
        yield stack, job_id


@contextmanager
def visit(browser: Browser, locale: str = "en-GB") -> Iterator[Page]:
    context = new_context(browser, locale, LOOKS[0], height=900)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


def sign_in(page: Page, url: str, name: str) -> None:
    page.goto(url)
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button").last.click()
    page.wait_for_url(f"{url}/")


@pytest.mark.both_browsers
def test_a_colleague_corrects_and_a_guest_listens_until_it_is_withdrawn(
    browser: Browser, server: tuple[Stack, str]
) -> None:
    stack, job_id = server
    stored = long_transcript.transcript(RECORDED_S / 3600, 120)
    address = f"{stack.url}/jobs/{job_id}"
    with visit(browser) as anna, visit(browser) as bo, visit(browser, "zh-CN") as guest:
        sign_in(anna, stack.url, "Anna")
        anna.goto(address)
        anna.get_by_role("link", name="Share", exact=True).click()
        anna.get_by_label("Name with which your colleague signs in").fill("Bo")
        anna.get_by_label("They may").select_option("correct")
        anna.get_by_role("button", name="Share", exact=True).click()
        expect(anna.locator(".rows")).to_contain_text("never opened")
        anna.get_by_label("What the link is for").fill("for the board")
        anna.get_by_label("Opens at (time)").fill(f"0:{stored.sentences[3].start + 0.1:.1f}")
        anna.get_by_label("with sound").check()
        anna.get_by_role("button", name="Make a link").click()
        link = anna.locator("#secret code").inner_text()
        assert re.fullmatch(rf"{stack.url}/s/[\w-]{{43}}#s3", link)
        for look in taken_through(anna, LOOKS):
            assert problems_of(anna, look[1]) == []

        sign_in(bo, stack.url, "Bo")
        bo.locator("#list").get_by_role("link", name="Shared with me").click()
        bo.get_by_role("link", name="会议").click()
        expect(bo.locator("article")).to_contain_text("Anna shares this with you")
        expect(bo.locator("#minutes, .actions .menu")).to_have_count(0)
        expect(bo.locator("[data-rename], #mark, #details")).to_have_count(3)
        expect(bo.locator("#player")).to_be_visible()  # by the script, which is there then
        expect(bo.locator("#sentences.naming")).to_be_visible()  # nothing moves below the mouse
        bo.locator("#s0 p.text").dblclick()
        bo.locator(".editor textarea").fill("Bo 改过了。")
        bo.keyboard.press("Control+Enter")
        expect(bo.locator("#s0 p.text")).to_have_text("Bo 改过了。")
        expect(bo.locator(".edit-status")).to_contain_text("Saved")

        anna.goto(address)
        anna.locator("#s0 p.text").hover()
        anna.get_by_role("button", name="What to do with this sentence").click()  # it is narrow
        anna.get_by_role("button", name="Revisions").click()
        expect(anna.locator("dialog.revisions, dialog[open]")).to_contain_text("· Bo")

        guest.goto(link.partition("#")[0])
        expect(guest.locator("#player")).to_be_visible()
        for look in taken_through(guest, LOOKS):
            assert problems_of(guest, look[1]) == []
        guest.goto(link)
        expect(guest.locator("#s0 p.text")).to_have_text("Bo 改过了。")
        guest.wait_for_function("() => document.querySelector('audio').duration > 0")
        guest.locator("#s2 .at").click()
        start = float(guest.locator("#s2").get_attribute("data-start") or 0)
        guest.wait_for_function(
            "(start) => document.querySelector('audio').currentTime > start", arg=start
        )
        expect(guest.locator("li.now")).to_have_count(1)
        guest.locator("#marks").get_by_role("link").click()  # the chapter
        expect(guest.locator("#s1")).to_have_class(re.compile(r"\bnow\b"))
        expect(guest.locator("#s1 .chapter-title")).to_have_text("预算")
        guest.get_by_role("button", name="分段").click()
        expect(guest.locator("#sentences > .paragraph.hue-1 #s0")).to_be_visible()
        assert guest.context.cookies() == []

        anna.bring_to_front()  # Firefox gives one window the focus, the guest's until here
        anna.goto(f"{address}/sharing")
        anna.get_by_role("button", name="Withdraw it from").click()
        expect(anna.locator(".flash")).to_contain_text("not there for them any more")
        expect(anna.locator("html.ready")).to_be_attached()  # by then the page itself asks
        anna.get_by_role("button", name="Withdraw the link").click()
        question = anna.get_by_role("dialog", name="Withdraw the link")
        question.get_by_role("button", name="Keep").click()
        expect(anna.get_by_role("button", name="Withdraw the link")).to_be_focused()
        anna.keyboard.press("Enter")
        question.get_by_role("button", name="Withdraw").click()
        expect(anna.locator(".flash")).to_contain_text("the link opens nothing any more")
        assert guest.reload().status == 404  # type: ignore[union-attr]
        bo.locator("#s1 p.text").dblclick()
        bo.locator(".editor textarea").fill("zu spät")
        bo.keyboard.press("Control+Enter")
        expect(bo.locator(".edit-status")).to_contain_text("no longer shared with you")
        assert bo.reload().status == 404  # type: ignore[union-attr]


def test_a_reader_reads_without_being_offered_what_is_not_theirs(
    browser: Browser, server: tuple[Stack, str]
) -> None:
    stack, job_id = server
    with visit(browser) as anna, visit(browser, "zh-CN") as eve:
        sign_in(anna, stack.url, "Anna")
        anna.goto(f"{stack.url}/jobs/{job_id}/sharing")
        anna.get_by_label("Name with which your colleague signs in").fill("Eve")
        anna.get_by_role("button", name="Share", exact=True).click()
        sign_in(eve, stack.url, "Eve")
        eve.goto(f"{stack.url}/shared")
        for look in taken_through(eve, LOOKS):
            assert problems_of(eve, look[1]) == []
        eve.goto(f"{stack.url}/jobs/{job_id}")
        for look in taken_through(eve, LOOKS):
            assert problems_of(eve, look[1]) == []
        eve.locator("#s0 p.text").dblclick()
        eve.keyboard.press("e")
        eve.keyboard.press("m")
        eve.keyboard.press("F2")
        expect(eve.locator("textarea, .sentence-tools, [data-do=replace]")).to_have_count(0)
        eve.keyboard.press("/")
        expect(eve.locator("#find")).to_be_visible()


PAINTED = """(canvas) => canvas.getContext("2d")
  .getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)"""
IN_VIEW = """(n) => {
  const { top } = document.getElementById(`s${n}`).getBoundingClientRect();
  const { bottom } = document.getElementById("overview").getBoundingClientRect();
  return bottom <= top + 1 && top < innerHeight;
}"""


AND_SCROLLS_AT_ONCE = """
(strip) => new Promise((drawn) => {
  strip.value = 1800;
  strip.dispatchEvent(new Event("input"));
  dispatchEvent(new WheelEvent("wheel"));
  scrollTo(0, 0);
  let frames = 8;
  const look = () => (--frames ? requestAnimationFrame(look) : drawn());
  look();
})
"""


def test_behind_a_link_without_sound_a_guest_finds_their_way(
    browser: Browser, server: tuple[Stack, str]
) -> None:
    stack, _ = server
    hour = long_transcript.transcript(1.0, 9000).sentences
    with visit(browser) as anna, visit(browser) as guest:
        sign_in(anna, stack.url, "Anna")
        anna.get_by_role("link", name="一小时").click()
        anna.get_by_role("link", name="Share", exact=True).click()
        anna.get_by_role("button", name="Make a link").click()
        link = anna.locator("#secret code").inner_text()

        guest.goto(link)
        expect(guest.locator("audio, #player")).to_have_count(0)
        strip = guest.get_by_label("Place in the transcript")
        expect(guest.locator("#overview")).to_be_visible()
        guest.wait_for_function(f"() => ({PAINTED})(document.querySelector('#overview .voices'))")
        for look in taken_through(guest, LOOKS):
            assert problems_of(guest, look[1]) == []

        strip.click()  # in its middle
        half = next(n for n, one in enumerate(hour) if one.start > 1800) - 1
        guest.wait_for_function(IN_VIEW, arg=half)
        expect(guest.locator("#overview .at")).to_have_text(re.compile(r"(29:5\d|30:0\d)"))
        strip.press("ArrowRight")
        guest.wait_for_function(IN_VIEW, arg=half + 1)
        guest.mouse.move(300, 700)
        guest.mouse.wheel(0, -100_000)
        expect(strip).to_have_value(str(hour[0].start))

        # Whoever scrolls in the frames in which the strip's place is still drawn is not taken back.
        strip.evaluate(AND_SCROLLS_AT_ONCE)
        expect(strip).to_have_value(str(hour[0].start))

        guest.keyboard.press("Escape")
        guest.locator("body").press("/")
        guest.locator("#find input").fill(long_transcript.NEEDLE)
        found = [n for n, one in enumerate(hour) if long_transcript.NEEDLE in one.text]
        expect(guest.locator("#find .count")).to_have_text(f"1 of {len(found)}")
        guest.wait_for_function(IN_VIEW, arg=found[0])
        guest.keyboard.press("Enter")
        guest.wait_for_function(IN_VIEW, arg=found[1])
        guest.keyboard.press("Escape")
        expect(guest.locator("#find")).to_be_hidden()
