"""Minutes on a job's page: where a transcript goes, how far they are, and making them one's own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Request, expect

from shared.db import Database
from shared.minutes import minutes_queue, requests
from shared.minutes.contents import Minutes, Point
from shared.minutes.cutting import transcript_digest
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from tests.e2e.problems import LOOKS, examined
from tests.support import factories
from tests.support.stack import Stack
from tests.support.web.web_site import serving

HOST = "model.example:11434"
WRITTEN = Minutes(
    summary=(Point("Everybody <b>greets</b> 99 times", (0, 1), unverified=("99",)),),
    decisions=(Point("Nobody said this", ()),),
    todos=(Point("Buy a GPU", (1,), owner="Anna", due="Friday"), Point("Superfluous", (1,))),
    chapters=(Point("Opening", (0,)),),
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    named = {
        "LONGSCRIBE_MINUTES_URL": f"http://{HOST}/v1",
        "LONGSCRIBE_MINUTES_MODEL": "small",
    }
    with serving(tmp_path_factory.mktemp("minutes"), **named) as stack:
        yield stack


ASKS = """
() => {
  const event = new Event("beforeunload", { cancelable: true });
  return !window.dispatchEvent(event);
}
"""
"""Script that tells whether the browser would ask before it leaves the page."""


def claim(db: Database) -> minutes_queue.MinutesClaim:
    found = minutes_queue.claim_next(db, worker="w", lease_s=600, model="small", host=HOST)
    assert found is not None
    return found


def _begins(request: Request) -> bool:
    """Whether somebody asks for the panel who has not had it before."""
    is_of_panel = "/fragments/" in request.url and request.url.endswith("/minutes")
    return is_of_panel and "if-none-match" not in request.headers


def test_from_a_question_to_minutes_of_ones_own(
    site: Stack, hurried_context: BrowserContext, tmp_path: Path
) -> None:
    db = Database(site.database_url)
    job_id = factories.a_job(db, JobStatus.COMPLETED)
    page = hurried_context.new_page()
    begun: list[str] = []
    page.on("request", lambda request: begun.append(request.url) if _begins(request) else None)
    page.goto(f"{site.url}/jobs/{job_id}")
    panel = page.get_by_role("region", name="Minutes", exact=True)
    panel.get_by_text("Minutes", exact=True).click()
    expect(panel).to_contain_text(f"are sent to: {HOST} (model small)")
    panel.get_by_label("Written in").select_option("en")
    panel.get_by_role("button", name="Write minutes").click()

    expect(panel).to_contain_text("nothing is sent yet")
    claimed = claim(db)
    minutes_queue.note_progress(db, claimed, done=1, planned=4)
    expect(panel).to_contain_text("answer 1 of 4")
    expect(panel).to_contain_text(f"small at {HOST}")
    digest = transcript_digest(factories.TRANSCRIPT)
    minutes_queue.finish(db, claimed, WRITTEN, transcript_digest=digest)

    expect(panel.get_by_role("heading", name="Decisions")).to_be_visible()
    assert len(begun) == 1, "asked for by two, of which the slower takes the form away"
    expect(panel).to_contain_text("Everybody <b>greets</b> 99 times")
    expect(panel).to_contain_text("not found in its sentences: 99")
    expect(panel.get_by_role("listitem").filter(has_text="Nobody said")).to_contain_text(
        "without source"
    )
    expect(panel.get_by_role("listitem").filter(has_text="Buy a GPU")).to_contain_text(
        "Anna · Friday"
    )
    assert [link.get_attribute("href") for link in panel.locator(".summary a").all()] == [
        "#s0", "#s1",
    ]  # fmt: skip

    panel.get_by_role("button", name="Change").click()
    form = panel.locator("form")
    expect(form.get_by_label("Summary")).to_be_focused()
    assert not page.evaluate(ASKS)
    form.get_by_label("Summary").fill("Everybody greets")
    assert page.evaluate(ASKS)
    form.get_by_role("button", name="Remove").nth(3).click()
    found: dict[str, list[str]] = {}
    for (theme, width), problems in examined(page, LOOKS):
        found[f"form, {theme}, {width}"] = problems
    form.get_by_role("button", name="Save").click()
    expect(panel).to_contain_text("changed by you")
    expect(panel).not_to_contain_text("Superfluous")
    assert not page.evaluate(ASKS)
    expect(panel.get_by_role("button", name="Change")).to_be_focused()
    for (theme, width), problems in examined(page, LOOKS):
        found[f"{theme}, {width}"] = problems
        panel.screenshot(path=tmp_path / f"minutes-{theme}-{width}.png")

    panel.get_by_role("button", name="Accept").click()
    expect(panel.locator(".state")).to_have_text("Accepted")
    record = requests.get(db, owner_id=LOCAL_OWNER, job_id=job_id)
    assert record.current is not None and record.proposal == WRITTEN
    assert record.current.summary == (Point("Everybody greets", (0, 1)),)
    assert [point.text for point in record.current.todos] == ["Buy a GPU"]
    page.wait_for_load_state()
    delete = panel.get_by_role("button", name="Delete these minutes")
    delete.click()
    sure = page.get_by_role("dialog", name="Delete these minutes?")
    sure.get_by_role("button", name="Keep").click()
    expect(delete).to_be_focused()
    delete.click()
    sure.get_by_role("button", name="Delete").click()
    expect(panel.get_by_role("heading", name="Decisions")).to_have_count(0)
    expect(panel.get_by_text("Minutes", exact=True)).to_be_visible()
    db.dispose()

    page = hurried_context.new_page()
    page.goto(f"{site.url}/minutes/prompts")
    box = page.get_by_label("English: for each part")
    box.fill("no place for it")
    page.locator("#en-part").get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("{{transcript}}")
    expect(box).to_have_value("no place for it")
    for (theme, width), problems in examined(page, LOOKS):
        found[f"prompts, {theme}, {width}"] = problems
        page.screenshot(path=tmp_path / f"prompts-{theme}-{width}.png")
    assert {name: problems for name, problems in found.items() if problems} == {}
