"""Reading and correcting a transcript as paragraphs, each of one speaker, in a real browser."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Page, expect

from shared.models import LOCAL_OWNER
from shared.transcripts.corrections import correct
from tests.e2e.speakers.meeting import Meeting, sentence

LAYOUT = """
[...document.querySelectorAll("#sentences > .paragraph")].map((one) => [
  one.querySelector(".speaker").textContent,
  [...one.querySelectorAll("li")].map((row) => Number(row.dataset.n)),
])
"""


def paragraphs(page: Page) -> list[tuple[str, list[int]]]:
    return [(name, numbers) for name, numbers in page.evaluate(LAYOUT)]


def test_sentences_are_read_as_paragraphs_and_corrected_in_them(
    meeting: Meeting, context: BrowserContext
) -> None:
    page = meeting.open(context)
    page.get_by_role("button", name="Paragraphs").click()
    one, two, three = "说话人1", "说话人2", "说话人3"
    turns = [(one, [0]), (two, [1]), (one, [2, 3]), (three, [4]), (two, [5])]
    assert paragraphs(page) == turns
    first, second = sentence(page, 2), sentence(page, 3)
    expect(second.locator(".text")).to_have_css("display", "inline")
    expect(first.locator(".at")).to_have_css("position", "static")  # one time is shown
    expect(second.locator(".at")).to_have_css("position", "absolute")

    # From sentence to sentence by keys, also within a paragraph; the focus is seen on the words.
    first.locator(".at").focus()
    page.keyboard.press("ArrowDown")
    expect(second.locator(".at")).to_be_focused()
    expect(second.locator(".text")).to_have_css("outline-style", "solid")

    # Corrected within it; who speaks changes meanwhile, and paragraphs follow once it is saved.
    page.keyboard.press("Enter")
    field = second.locator("textarea")
    expect(field).to_be_focused()
    page.keyboard.type("对")
    page.keyboard.press("Alt+2")
    expect(second.locator(".speaker")).to_have_text(two)
    expect(field).to_be_focused()
    assert paragraphs(page) == turns
    page.keyboard.press("Enter")
    following = sentence(page, 4).locator("textarea")
    expect(following).to_be_focused()
    changed = [(one, [0]), (two, [1]), (one, [2]), (two, [3]), (three, [4]), (two, [5])]
    assert paragraphs(page) == changed

    # Split: both halves stand in the paragraph.
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+Enter")
    expect(sentence(page, 6).locator("textarea")).to_be_focused()
    page.keyboard.press("Escape")
    assert paragraphs(page)[4] == (three, [4, 6])

    page.reload()
    page.locator("#sentences > .paragraph").first.wait_for()
    assert paragraphs(page)[3:5] == [(two, [3]), (three, [4, 6])]
    page.get_by_role("button", name="Sentences", exact=True).click()
    expect(page.locator("#sentences > li[data-n]")).to_have_count(7)
    assert paragraphs(page) == []


def test_joining_over_a_removed_sentence_leaves_no_empty_paragraph(
    meeting: Meeting, context: BrowserContext
) -> None:
    job = {"owner_id": LOCAL_OWNER, "job_id": meeting.job_id}
    correct(meeting.db, **job, n=4, text="", revision=0)
    page = meeting.open(context)
    page.get_by_role("button", name="Paragraphs").click()
    one, two, three = "说话人1", "说话人2", "说话人3"
    assert paragraphs(page)[2:] == [(one, [2, 3]), (three, [4]), (two, [5])]
    sentence(page, 5).locator(".at").focus()
    page.keyboard.press("Enter")
    expect(sentence(page, 5).locator("textarea")).to_be_focused()
    page.keyboard.press("Backspace")
    expect(sentence(page, 3).locator("textarea")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#sentences > .paragraph")).to_have_count(4)
    assert paragraphs(page)[2:] == [(one, [2, 3]), (three, [4])]
