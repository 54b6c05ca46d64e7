"""Correcting a transcript in a real browser: what is typed is kept, whatever comes between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, expect

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.transcripts import corrections
from shared.transcripts.values import Version
from tests.support import factories
from tests.support.services import Stack, wait_for
from tests.support.web.web_site import serving

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


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with serving(tmp_path_factory.mktemp("editing")) as stack:
        yield stack


@pytest.fixture
def desk(server: Stack) -> Iterator[Desk]:
    db = Database(server.database_url)
    opened = Desk(server, db, factories.a_job(db, JobStatus.COMPLETED))
    yield opened
    db.dispose()
    assert opened.complaints == []


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


def status(page: Page) -> Locator:
    return page.locator(".edit-status")


def test_enter_saves_and_the_page_shows_it_ever_after(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    page.evaluate(
        "document.getElementById('sentences').addEventListener('transcript:changed',"
        " (event) => (window.changed = event.detail.n))"
    )
    edit(page, 0, "各位\n好。")
    expect(field_of(page)).to_have_value("各位 好。")
    field_of(page).press("Shift+Enter")
    expect(field_of(page)).to_have_value("各位 好。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    expect(field_of(page)).to_have_count(0)
    assert page.evaluate("window.changed") == 0

    page.reload()
    expect_text(page, 0, "各位 好。")
    expect_text(page, 1, SECOND)
    expect(page.get_by_role("button", name="1 corrected")).to_be_visible()
    assert desk.revisions() == ["各位 好。", FIRST]
    assert desk.text(0, Version.RECOGNISED) == FIRST

    address = f"{desk.stack.url}/api/v1/jobs/{desk.job_id}/transcript?format=txt"
    assert page.request.get(address).text().startswith("各位 好。")


def test_escape_and_no_change_leave_everything_as_it_was(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "不要这个")
    field_of(page).press("Escape")
    expect_text(page, 0, FIRST)
    shown(page, 0).dblclick()
    field_of(page).press("Enter")
    expect(field_of(page)).to_have_count(0)
    page.reload()
    expect_text(page, 0, FIRST)
    expect(status(page)).to_be_empty()
    assert desk.revisions() == [FIRST]


def test_a_sentence_is_edited_with_the_keyboard_alone(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    sentence(page, 1).locator(".at").focus()
    page.keyboard.press("e")
    expect(field_of(page)).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("k j l / ?")  # what the player would hear
    page.keyboard.press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    expect(sentence(page, 1).locator(".at")).to_be_focused()
    expect_text(page, 1, "k j l / ?")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Edit")).to_be_focused()
    page.keyboard.press("Enter")
    expect(field_of(page)).to_have_value("k j l / ?")


def test_enter_while_an_input_method_is_open_chooses_a_word(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "zhong")
    field_of(page).evaluate(
        "(field) => field.dispatchEvent(new KeyboardEvent('keydown',"
        " {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))"
    )
    expect(field_of(page)).to_be_visible()
    assert desk.revisions() == [FIRST]


def test_changes_are_undone_and_done_again_across_sentences(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    for n, text in ((0, "甲。"), (1, "乙。")):
        edit(page, n, text)
        field_of(page).press("Enter")
        expect(status(page)).to_contain_text("Saved.")
    page.keyboard.press("Control+z")
    expect_text(page, 1, SECOND)
    expect(status(page)).to_contain_text("Saved.")
    status(page).get_by_role("button", name="Undo").click()
    expect_text(page, 0, FIRST)
    expect(page.get_by_role("button", name="corrected")).to_be_hidden()
    page.keyboard.press("Control+Shift+z")
    expect_text(page, 0, "甲。")
    expect(status(page)).to_contain_text("Saved.")
    page.reload()
    expect_text(page, 0, "甲。")
    expect_text(page, 1, SECOND)
    assert desk.revisions(0) == ["甲。", FIRST, "甲。", FIRST]


def test_an_empty_sentence_leaves_the_files_and_comes_back(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    expect(shown(page, 0)).to_have_attribute("title", "Removed")
    address = f"{desk.stack.url}/api/v1/jobs/{desk.job_id}/transcript?format=txt"
    assert len(page.request.get(address).text().strip().splitlines()) == 1
    page.reload()
    sentence(page, 0).hover()
    sentence(page, 0).get_by_role("button", name="Revisions").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="Use this").click()
    expect_text(page, 0, FIRST)
    expect(status(page)).to_contain_text("Saved.")
    assert desk.text(0) == FIRST


def test_the_history_shows_all_that_a_sentence_was(desk: Desk, context: BrowserContext) -> None:
    desk.correct("甲。")
    desk.correct("乙。", revision=1)
    page = desk.open(context)
    sentence(page, 0).hover()
    sentence(page, 0).get_by_role("button", name="Revisions").click()
    entries = page.get_by_role("dialog").locator("li")
    expect(entries).to_have_count(3)
    expect(entries.nth(0)).to_contain_text("乙。")
    expect(entries.nth(0)).to_contain_text("as it is now")
    expect(entries.nth(2)).to_contain_text("Recognised")
    expect(entries.nth(2)).to_contain_text(FIRST)
    assert Axe().run(page).response["violations"] == []
    entries.nth(1).get_by_role("button", name="Use this").click()
    expect_text(page, 0, "甲。")
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["甲。", "乙。", "甲。", FIRST]


def test_two_editors_are_told_of_each_other_and_choose(desk: Desk, browser: Browser) -> None:
    with browser.new_context(locale="en-GB") as one, browser.new_context(locale="en-GB") as other:
        mine, theirs = desk.open(one), desk.open(other)
        shown(mine, 1).dblclick()
        edit(theirs, 1, "用CPU吗？")
        field_of(theirs).press("Enter")
        expect(status(theirs)).to_contain_text("Saved.")

        field_of(mine).fill("都用GPU吗？")
        field_of(mine).press("Enter")
        dialog = mine.get_by_role("dialog")
        expect(dialog).to_contain_text("Somebody else corrected this sentence meanwhile")
        expect(dialog.locator("mark")).to_have_text(["CPU", "都"])
        expect(dialog.get_by_label("Both together")).to_have_value("都用CPU吗？")
        assert Axe().run(mine).response["violations"] == []
        assert desk.text(1) == "用CPU吗？"
        dialog.get_by_role("button", name="Save this text").click()
        expect(status(mine)).to_contain_text("Saved.")
        assert desk.revisions(1) == ["都用CPU吗？", "用CPU吗？", SECOND]

        shown(theirs, 1).dblclick()
        expect(field_of(theirs)).to_have_value("都用CPU吗？")
        desk.correct("都用TPU吗？", n=1, revision=2)
        field_of(theirs).fill("不用")
        field_of(theirs).press("Enter")
        theirs.get_by_role("dialog").get_by_role("button", name="Keep theirs").click()
        expect(status(theirs)).to_contain_text("Saved.")
        assert desk.text(1) == "都用TPU吗？"
        expect(shown(theirs, 1)).to_contain_text("TPU")


def test_a_choice_put_off_keeps_the_text(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    shown(page, 0).dblclick()
    field_of(page).fill("我的。")
    desk.correct("别人的。")
    field_of(page).press("Enter")
    page.get_by_role("dialog").press("Escape")
    expect(status(page)).to_contain_text("is not saved. It is kept here.")
    page.reload()
    expect_text(page, 0, "别人的。")
    status(page).get_by_role("button", name="Continue").click()
    expect(field_of(page)).to_have_value("我的。")
    field_of(page).press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Use yours").click()
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["我的。", "别人的。", FIRST]


def test_an_editor_begins_from_what_others_saved_since(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    desk.correct("别人的。")
    shown(page, 0).dblclick()
    expect(field_of(page)).to_have_value("别人的。")
    field_of(page).fill("别人的，我的。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["别人的，我的。", "别人的。", FIRST]


def test_what_cannot_be_sent_is_sent_once_the_line_is_back(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    context.set_offline(True)
    edit(page, 0, "离线。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Not saved: no connection.")
    expect_text(page, 0, "离线。")
    assert desk.revisions() == [FIRST]
    context.set_offline(False)
    expect(status(page)).to_contain_text("Saved.", timeout=40_000)
    assert desk.revisions() == ["离线。", FIRST]


def test_what_was_not_sent_when_the_page_was_left_is_sent_at_the_next_visit(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    page.route("**/sentences/0", lambda route: route.abort())
    edit(page, 0, "稍后。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Not saved")
    page.close()
    again = desk.open(context)
    expect(status(again)).to_contain_text("Saved.")
    expect_text(again, 0, "稍后。")
    assert desk.revisions() == ["稍后。", FIRST]


def test_a_draft_outlives_a_crash_and_is_offered(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    edit(page, 0, "写到一半")
    with pytest.raises(Error, match="crash"):
        page.goto("chrome://crash")
    again = desk.open(context)
    expect_text(again, 0, FIRST)
    expect(status(again)).to_contain_text("was not finished")
    status(again).get_by_role("button", name="Continue").click()
    expect(field_of(again)).to_have_value("写到一半")
    assert desk.revisions() == [FIRST]


def test_leaving_the_field_saves_and_leaving_the_page_too(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "离开。")
    page.get_by_role("heading", level=1).click()
    expect(status(page)).to_contain_text("Saved.")
    edit(page, 0, "关掉。")
    page.goto("about:blank")
    page = desk.open(context)
    expect_text(page, 0, "关掉。")
    expect(status(page)).not_to_contain_text("not finished")
    wait_for(lambda: desk.revisions() == ["关掉。", "离开。", FIRST], what="the newest revision")


def test_what_did_not_get_out_when_the_page_was_left_is_sent_when_it_is_opened_again(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    edit(page, 0, "没有发出。")
    page.evaluate("void (window.fetch = () => Promise.reject(new TypeError('gone')))")
    page.goto("about:blank")
    assert desk.revisions() == [FIRST]
    again = desk.open(context)
    expect_text(again, 0, "没有发出。")
    wait_for(lambda: desk.revisions() == ["没有发出。", FIRST], what="the newest revision")


def test_a_text_that_is_too_long_stays_in_its_field(desk: Desk, context: BrowserContext) -> None:
    page = desk.open(context)
    edit(page, 0, "长" * 2001)
    field_of(page).press("Enter")
    expect(page.get_by_text("This is too long for one sentence")).to_be_visible()
    field_of(page).fill("短。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    assert desk.revisions() == ["短。", FIRST]


def test_only_the_corrected_sentences_can_be_shown(desk: Desk, context: BrowserContext) -> None:
    desk.correct("乙。", n=1)
    page = desk.open(context)
    page.get_by_role("button", name="1 corrected").click()
    expect(sentence(page, 0)).to_be_hidden()
    expect(sentence(page, 1)).to_be_visible()
    page.get_by_role("button", name="1 corrected").click()
    expect(sentence(page, 0)).to_be_visible()


def test_chinese_and_latin_are_set_apart_without_a_character_between(
    desk: Desk, context: BrowserContext
) -> None:
    page = desk.open(context)
    shown = page.locator("#sentences .text").nth(1)
    assert shown.text_content() == "用GPU吗？"
    apart, together = shown.evaluate(
        """(text) => {
          const range = document.createRange();
          range.selectNodeContents(text);
          const width = () => range.getBoundingClientRect().width;
          const apart = width();
          text.style.textAutospace = "no-autospace";
          return [apart, width()];
        }"""
    )
    assert apart > together


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("locale", "save"), [("en-GB", "Save"), ("zh-CN", "保存")])
def test_an_open_editor_is_accessible_in_both_languages(
    desk: Desk, browser: Browser, locale: str, save: str, theme: str
) -> None:
    with browser.new_context(
        locale=locale,
        color_scheme=theme,  # type: ignore[arg-type]
        viewport={"width": 390, "height": 800},
    ) as context:
        desk.correct("各位好。", n=1)
        page = desk.open(context)
        edit(page, 0, "各位好。")
        expect(page.get_by_role("button", name=save, exact=True)).to_be_visible()
        assert Axe().run(page).response["violations"] == []
        field_of(page).press("Enter")
        expect(status(page).get_by_role("button")).to_be_visible()
        assert Axe().run(page).response["violations"] == []
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390
