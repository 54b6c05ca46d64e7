"""Renaming in place, by keys alone, and lists narrowed down by people and tags, in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from shared import jobs
from shared.annotations.details import change_details
from shared.db import Database
from shared.models import LOCAL_OWNER
from tests.e2e.job_list.rows import address, more, names, row
from tests.support import factories
from tests.support.browsers.hands import intercept
from tests.support.stack import Stack


def title_of(db: Database, job_id: str) -> str:
    return jobs.get_job(db, owner_id=LOCAL_OWNER, job_id=job_id).job.recording.title


def test_a_recording_is_renamed_in_the_list_and_on_its_page(
    server: Stack, page: Page, db: Database
) -> None:
    job_id = factories.submit(db, filename="REC0001 " + "很长的名字" * 45 + ".wav")
    other = factories.submit(db, filename="other.wav")
    change_details(
        db, owner_id=LOCAL_OWNER, job_id=other, editor_id=LOCAL_OWNER, changes={"tags": ["预算"]}
    )
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(server.url)
    long_name = page.locator(".job").nth(1)
    assert (long_name.bounding_box() or {})["height"] < 740 / 2  # two of them are on a phone

    link = row(page, "other").get_by_role("link", name="other", exact=True)
    link.focus()
    page.keyboard.press("F2")
    field = page.get_by_role("textbox", name="Title")
    expect(field).to_be_focused()
    page.keyboard.type("never kept")
    page.keyboard.press("Escape")
    expect(link).to_be_focused()
    assert title_of(db, other) == "other"
    page.keyboard.press("F2")
    page.keyboard.type("周会")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Renamed to “周会”.")).to_be_visible()
    expect(row(page, "周会")).to_contain_text("other.wav")
    assert title_of(db, other) == "周会"

    more(page, "周会").get_by_role("link", name="Rename").click()
    page.keyboard.press("Escape")
    expect(page.get_by_label("More for 周会")).to_be_focused()  # not lost with the menu

    keep = page.get_by_text("Save this search")
    expect(keep).to_be_hidden()
    page.get_by_role("link", name="预算").click()
    expect(names(page)).to_have_text(["周会"])
    expect(keep).to_be_visible()
    assert address(page) == {"tag": ["预算"]}
    page.get_by_role("link", name="Show without this condition").click()
    expect(names(page)).to_have_count(2)
    expect(keep).to_be_hidden()

    # Before the page is opened: a route that is made just before a request has missed it.
    page.route(
        "**/api/v1/jobs/*",
        lambda route: route.abort() if route.request.method == "PATCH" else route.continue_(),
    )
    page.goto(f"{server.url}/jobs/{job_id}")
    page.keyboard.press("F2")
    page.keyboard.type("客户访谈")
    page.keyboard.press("Enter")
    trouble = page.locator(".titled .trouble")
    expect(trouble).to_contain_text("cannot be reached")
    page.unroute("**/api/v1/jobs/*")
    refused = "<h1>502 Bad Gateway</h1>"
    intercept(page, "**/api/v1/jobs/*", lambda route: route.fulfill(status=502, body=refused))
    page.keyboard.press("Enter")
    expect(trouble).to_contain_text("gives no answer to the proxy in front of it (status 502)")
    page.unroute("**/api/v1/jobs/*")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("客户访谈")
    expect(trouble).to_have_count(0)
    assert title_of(db, job_id) == "客户访谈"
    page.get_by_text("Title, date, people and tags").click()
    page.get_by_label("Who took part").fill("王芳、Bo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="王芳")).to_be_visible()
    page.get_by_text("History", exact=True).click()
    page.locator(".events li").filter(has_text="Title: 客户访谈").get_by_role(
        "button", name="Undo"
    ).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("REC0001")
