"""What lists of words made of a transcript, and teaching them from a correction."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, expect

from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.words.replacements import lists
from shared.words.replacements.pairs import Pair
from tests.e2e.editing.desk import (
    FIRST,
    SECOND,
    Desk,
    edit,
    expect_text,
    field_of,
    sentence,
    status,
)
from tests.support import factories
from tests.support.stack import Stack


@pytest.fixture
def ruled_desk(server: Stack) -> Iterator[Desk]:
    """A job whose second sentence a list changed."""
    db = Database(server.database_url)
    lists.put(db, LOCAL_OWNER, [Pair("GPU", "显卡")], only=True)
    opened = Desk(server, db, factories.a_job(db, JobStatus.COMPLETED))
    lists.put(db, LOCAL_OWNER, [], only=True)
    yield opened
    db.dispose()
    assert opened.complaints == []


def test_what_a_list_changed_is_shown_and_taken_back(
    ruled_desk: Desk, context: BrowserContext
) -> None:
    page = ruled_desk.open(context)
    expect_text(page, 1, "用显卡吗？")
    expect(sentence(page, 1).locator(".text")).to_have_attribute(
        "title", "Written as the lists of words say"
    )
    expect(page.locator("[data-corrected]")).to_be_hidden()  # nobody corrected anything

    only = page.get_by_role("button", name="Show only these")
    only.click()
    expect(sentence(page, 0)).to_be_hidden()
    only.click()
    expect(sentence(page, 0)).to_be_visible()

    sentence(page, 1).locator(".at").hover()
    page.get_by_role("button", name="Revisions").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading", name="By the lists of words")).to_be_visible()
    dialog.get_by_role("button", name="Use this").click()
    expect_text(page, 1, SECOND)
    expect(status(page)).to_contain_text("Saved.")
    page.reload()

    page.get_by_role("button", name="Apply them").click()
    expect_text(page, 1, "用显卡吗？")
    page.get_by_role("button", name="Undo all of them").click()
    expect_text(page, 1, SECOND)
    assert ruled_desk.text(1) == SECOND
    assert len(ruled_desk.revisions(1)) == 5  # the recognised text and four changes


def test_a_correction_is_written_so_from_now_on(desk: Desk, context: BrowserContext) -> None:
    lists.put(desk.db, LOCAL_OWNER, [], only=True)
    page = desk.open(context)
    edit(page, 0, FIRST.replace("家", "伙"))
    field_of(page).press("Enter")
    status(page).get_by_role("button", name="Write it so from now on").press("Enter")
    dialog = page.get_by_role("dialog")
    # A character alone would stand in too many words: its neighbour comes along.
    expect(dialog.get_by_label("Recognised as")).to_have_value("大家")
    right = dialog.get_by_label("Write", exact=True)
    expect(right).to_have_value("大伙")
    right.fill("，")
    dialog.get_by_role("button", name="From now on").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Each side of a pair")
    right.fill("大伙儿")
    dialog.get_by_role("button", name="From now on").click()
    expect(status(page)).to_contain_text("From now on “大家” is written “大伙儿”.")
    expect(sentence(page, 1).locator(".at")).to_be_focused()  # the button is gone that led here
    assert lists.read_all(desk.db, LOCAL_OWNER) == [Pair("大家", "大伙儿")]

    edit(page, 1, "完全是另外一句话，和原来的没有一点关系。")
    field_of(page).press("Enter")
    expect(status(page)).to_contain_text("Saved.")
    expect(status(page).get_by_role("button", name="Write it so")).to_have_count(0)

    page.goto(f"{desk.stack.url}/words")
    row = page.get_by_role("row", name="大家")
    row.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("“大家” is in the list no more.")).to_be_visible()


def test_a_file_of_words_is_added(desk: Desk, context: BrowserContext) -> None:
    page = context.new_page()
    page.goto(f"{desk.stack.url}/words")
    own = page.locator("#replacements-own")
    own.get_by_text("Many at once").click()
    choose = own.locator("input[type=file]")
    broken = {"name": "words.txt", "mimeType": "text/plain", "buffer": "甲 => 乙\n丙".encode("gbk")}
    choose.set_input_files(files=[broken])  # type: ignore[list-item]
    expect(own.get_by_role("alert")).to_contain_text("Line 2")
    mended = {**broken, "buffer": "甲 => 乙\n丙 => 丁".encode("gbk")}
    choose.set_input_files(files=[mended])  # type: ignore[list-item]
    expect(page.get_by_role("row", name="丙")).to_be_visible()
    assert lists.read_all(desk.db, LOCAL_OWNER)[-2:] == [Pair("甲", "乙"), Pair("丙", "丁")]
    lists.put(desk.db, LOCAL_OWNER, [], only=True)
