"""The export dialog: its preview equals the downloaded file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import docx
import pytest
from playwright.sync_api import Browser, BrowserContext, Download, Locator, Page, Route, expect

from shared.db import Database
from shared.transcripts.values import Sentence, Transcript
from tests.e2e.problems import LOOKS_OF_LOCALES, Look, examined, new_context
from tests.support import factories
from tests.support.browsers.hands import intercept, write_over
from tests.support.databases.sqlite import migrated_file
from tests.support.stack import Stack, running, wait_for
from tests.support.subtitle_rules import read_srt, read_vtt

MEETING = Transcript(
    60.0,
    "zh",
    "demo",
    (
        Sentence(0.5, 6.5, "我们用GPU跑了3.5小时，所以先把数据迁移做完再看一下接口的文档。"),
        Sentence(6.6, 7.4, "好。"),
        Sentence(11.0, 14.0, "下一个，API文档。"),
    ),
)


@dataclass
class Site:
    url: str
    job_id: str
    long_job_id: str

    def open(self, context: BrowserContext, *, long: bool = False) -> Page:
        page = context.new_page()
        page.goto(f"{self.url}/jobs/{self.long_job_id if long else self.job_id}")
        return page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("export")
    url = migrated_file(folder / "longscribe.db")
    db = Database(url)
    long = Transcript(
        6_000.0,
        "zh",
        "demo",
        tuple(Sentence(n * 6.0, n * 6.0 + 5.0, f"这是第{n}句，说的是API。") for n in range(1_000)),
    )
    made = []
    for transcript in (MEETING, long):
        made.append(factories.submit(db, filename="周会 standup.m4a"))
        factories.complete(db, factories.claim(db), transcript)
    db.dispose()
    with running(Stack(folder / "stack", url, {"LONGSCRIBE_MIN_FREE_BYTES": "0"})) as stack:
        stack.start_web()
        yield Site(stack.url, *made)


def opened(page: Page) -> Locator:
    page.locator(".actions").get_by_role("button", name="Export").click()
    # Not by its role, which would be looked for among thousands of sentences at each glance.
    dialog = page.locator("dialog.export")
    expect(dialog).to_be_visible()
    expect(dialog).to_have_role("dialog")
    expect(dialog).to_have_accessible_name("Export")
    return dialog


def preview(dialog: Locator) -> Locator:
    return dialog.get_by_role("region", name="How it begins")


def download(page: Page, dialog: Locator) -> Download:
    with page.expect_download() as started:
        dialog.get_by_role("link", name="Download").click()
    return started.value


@pytest.mark.both_browsers
def test_the_preview_follows_each_choice_and_the_file_is_what_it_showed(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    dialog = opened(page)
    shown = preview(dialog)
    expect(shown).to_have_text(
        "我们用 GPU 跑了 3.5 小时，所以先把数据迁移做完再看一下接口的文档。好。\n\n"
        "下一个，API 文档。\n"
    )
    dialog.get_by_label("Times", exact=True).check()
    expect(shown).to_contain_text("[00:00:11] 下一个，API 文档。")
    dialog.get_by_label("Paragraphs").uncheck()
    expect(shown).to_contain_text("[00:00:06] 好。")
    dialog.get_by_label("Punctuation").uncheck()
    expect(shown).to_contain_text("[00:00:11] 下一个 API 文档")
    dialog.get_by_label("Space between Chinese and Latin").uncheck()
    expect(shown).to_contain_text("[00:00:11] 下一个 API文档")

    file = download(page, dialog)
    assert file.suggested_filename == "周会 standup.txt"
    assert Path(file.path()).read_text("utf-8") == shown.inner_text()
    expect(dialog.get_by_role("status")).to_have_text("The download begins.")


def test_each_format_offers_its_own_options_and_is_downloaded(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    dialog = opened(page)
    dialog.get_by_label("SRT subtitles").check()
    expect(preview(dialog)).to_contain_text("00:00:00,500 -->")
    expect(dialog.get_by_label("Times", exact=True)).to_be_hidden()
    dialog.get_by_text("Lines and seconds").click()
    write_over(dialog.get_by_label("Width of a line"), "20")
    expect(preview(dialog)).to_contain_text("--> 00:00:02,823")
    srt = download(page, dialog)
    assert srt.suggested_filename == "周会 standup.srt"
    assert Path(srt.path()).read_text("utf-8").startswith(preview(dialog).inner_text()[:200])
    assert read_srt(Path(srt.path()).read_text("utf-8"))[0].lines == ["我们用 GPU", "跑了 3.5 小时"]

    dialog.get_by_label("WebVTT subtitles").check()
    expect(preview(dialog)).to_contain_text("WEBVTT")
    vtt = download(page, dialog)
    assert read_vtt(Path(vtt.path()).read_text("utf-8"))[0].start == 500

    dialog.get_by_label("JSON with word times").check()
    expect(preview(dialog)).to_contain_text('"duration": 60.0')
    expect(dialog.get_by_text("Lines and seconds")).to_be_hidden()
    parsed = json.loads(Path(download(page, dialog).path()).read_text("utf-8"))
    assert parsed["sentences"][2]["text"] == "下一个，API文档。"

    dialog.get_by_label("Word document").check()
    expect(preview(dialog)).to_contain_text("[00:00:11] 下一个，API 文档。")
    file = download(page, dialog)
    assert file.suggested_filename == "周会 standup.docx"
    assert docx.Document(str(file.path())).paragraphs[-1].text == "00:00:11\t下一个，API 文档。"


def test_numbers_are_asked_for_in_digits(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    dialog = opened(page)
    link = dialog.get_by_role("link", name="Download")
    expect(link).to_have_attribute("href", re.compile("numbers=spoken"))
    dialog.get_by_label("Numbers in digits").check()
    expect(link).to_have_attribute("href", re.compile("numbers=written"))
    page.reload()
    expect(opened(page).get_by_label("Numbers in digits")).to_be_checked()


def test_all_of_a_long_transcript_is_copied(site: Site, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = site.open(context, long=True)
    dialog = opened(page)
    dialog.get_by_label("Paragraphs").uncheck()
    expect(preview(dialog)).to_contain_text("这是第 39 句，说的是 API。\n…")
    dialog.get_by_role("button", name="Copy all").click()
    expect(dialog.get_by_role("status")).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("这是第 0 句，说的是 API。\n")
    assert copied.count("\n") == 1_000

    dialog.get_by_label("Word document").check()
    expect(dialog.get_by_role("status")).to_have_text("")
    dialog.get_by_role("button", name="Copy all").click()
    expect(dialog.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("[00:00:00] 这是第 0 句")


def test_choices_are_remembered_for_each_format(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    dialog = opened(page)
    dialog.get_by_label("Times", exact=True).check()
    dialog.get_by_label("Word document").check()
    expect(dialog.get_by_label("Times", exact=True)).to_be_checked()
    dialog.get_by_label("Times", exact=True).uncheck()
    expect(preview(dialog)).not_to_contain_text("[")
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()

    page.reload()
    dialog = opened(page)
    expect(dialog.get_by_label("Word document")).to_be_checked()
    expect(dialog.get_by_label("Times", exact=True)).not_to_be_checked()
    expect(dialog.get_by_label("Word document")).to_be_focused()  # keys choose at once
    page.keyboard.press("ArrowUp")
    expect(dialog.get_by_label("Plain text")).to_be_checked()
    expect(dialog.get_by_label("Times", exact=True)).to_be_checked()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name="Export")).to_be_focused()

    page.evaluate("localStorage.setItem('longscribe.export', '{\"formats\": 3}')")
    page.reload()
    expect(preview(opened(page))).to_contain_text("3.5 小时")


def test_a_number_that_cannot_be_is_told_and_nothing_is_downloaded_with_it(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    dialog = opened(page)
    dialog.get_by_label("SRT subtitles").check()
    dialog.get_by_text("Lines and seconds").click()
    write_over(dialog.get_by_label("Lines at once"), "9")
    expect(dialog.get_by_role("alert")).to_contain_text("Lines at once")
    expect(dialog.get_by_role("link", name="Download")).to_have_attribute("aria-disabled", "true")
    expect(dialog.get_by_role("button", name="Copy all")).to_be_disabled()
    write_over(dialog.get_by_label("Lines at once"), "1")
    expect(dialog.get_by_role("alert")).to_be_hidden()
    expect(dialog.get_by_role("button", name="Copy all")).to_be_enabled()
    expect(preview(dialog)).not_to_contain_text("小时\n所以")


def test_a_server_that_does_not_answer_is_told_of(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    intercept(page, "**/transcript?*", lambda route: route.abort())
    dialog = opened(page)
    expect(dialog.get_by_role("alert")).to_have_text("The server cannot be reached.")


def test_the_button_is_shown_once_the_script_that_it_needs_has_run(
    site: Site, browser: Browser
) -> None:
    # In Chinese: the scripts wait for their texts, and the page does not wait for that.
    context = new_context(browser, "zh-CN", ("light", 1440), height=800)
    page = context.new_page()
    held: list[Route] = []
    page.route("**/js/job.js*", lambda route: held.append(route))
    page.goto(f"{site.url}/jobs/{site.job_id}", wait_until="commit")
    button = page.locator(".actions [data-export]")
    expect(button).to_have_count(1)
    wait_for(lambda: page.evaluate("true") and held, what="the script to be asked for")
    expect(button).to_be_hidden()
    held[0].continue_()
    expect(button).to_be_visible()
    context.close()


def test_without_javascript_the_files_are_links(
    site: Site, context_without_js: BrowserContext
) -> None:
    page = site.open(context_without_js)
    expect(page.get_by_role("button", name="Export")).to_be_hidden()
    for label, ending in (("Plain text", ".txt"), ("Word document", ".docx"), ("SRT", ".srt")):
        with page.expect_download() as started:
            page.get_by_role("link", name=label).click()
        assert started.value.suggested_filename == f"周会 standup{ending}"


@LOOKS_OF_LOCALES
def test_the_dialog_is_accessible_and_fits(
    site: Site, browser: Browser, locale: str, looks: Sequence[Look]
) -> None:
    context = new_context(browser, locale, looks[0], height=780)
    page = site.open(context)
    page.locator("[data-export]").click()
    dialog = page.locator("dialog.export")
    for name in ("docx", "srt"):
        dialog.locator(f"[value={name}]").check()
        if name == "srt":
            dialog.locator("summary").click()
        expect(dialog.locator("pre")).to_have_attribute("data-format", name)
        expect(dialog.locator("pre")).to_have_attribute("aria-busy", "false")
        for look, problems in examined(page, looks):
            assert problems == [], (name, look)
            for control in (dialog.locator("a.download"), dialog.locator("pre")):
                expect(control).to_be_in_viewport(ratio=0.9)
    context.close()


def test_at_400_percent_the_dialog_is_scrolled_and_nothing_lies_over_its_preview(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.set_viewport_size({"width": 320, "height": 256})
    dialog = opened(page)
    expect(preview(dialog)).to_have_attribute("aria-busy", "false")
    button = dialog.get_by_role("button", name="Copy all")
    for control in (preview(dialog), button, dialog.get_by_label("JSON with word times")):
        control.scroll_into_view_if_needed()
        expect(control).to_be_in_viewport(ratio=0.9)
    shown, below = preview(dialog).bounding_box(), button.bounding_box()
    assert shown and below
    assert shown["y"] + shown["height"] <= below["y"]


def test_the_page_begins_where_it_says_why_a_template_is_refused(
    site: Site, context: BrowserContext
) -> None:
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 780})
    page.goto(f"{site.url}/report-template")
    page.get_by_label("Template of reports").fill("# {{titel}}")
    page.get_by_role("button", name="Save", exact=True).click()
    told = page.get_by_role("alert")
    expect(told).to_contain_text("titel")
    expect(told).to_be_in_viewport()
    page.get_by_role("textbox", name="Name").fill("Board")
    named = {"name": "board.md", "mimeType": "text/markdown", "buffer": b"# {{titel}}"}
    page.get_by_label("File (.docx, .dotx, .md)").set_input_files(named)
    page.get_by_role("button", name="Keep this template").click()
    expect(page.locator("#named-problem")).to_be_in_viewport()


def test_a_template_is_deleted_once_that_is_confirmed(site: Site, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{site.url}/report-template")
    page.get_by_role("textbox", name="Name").fill("Board")
    named = {"name": "board.md", "mimeType": "text/markdown", "buffer": b"# {{title}}"}
    page.get_by_label("File (.docx, .dotx, .md)").set_input_files(named)
    with page.expect_navigation():  # to the end: the button that is pressed next has a script
        page.get_by_role("button", name="Keep this template").click()
    delete = page.get_by_role("button", name="Delete the template Board")
    # The script of the page does not load: the server asks in its place.
    page.route("**/js/main.js", lambda route: route.abort())
    page.reload()
    delete.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Delete the template “Board”?")
    page.unroute("**/js/main.js")
    page.get_by_role("link", name="Keep").click()
    page.wait_for_load_state()
    sure = page.get_by_role("dialog", name="Delete the template “Board”?")
    for answer, left in (("Keep", 1), ("Delete", 0)):
        delete.click()
        sure.get_by_role("button", name=answer).click()
        expect(sure).to_be_hidden()
        expect(page.get_by_role("link", name="Board", exact=True)).to_have_count(left)
