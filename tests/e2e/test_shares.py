"""What people see of their share of the server, in a real browser and in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from shared import accounts
from shared.db import Database
from tests.e2e.conftest import PATIENCE_MS
from tests.support import factories
from tests.support.browsers.hands import write_over
from tests.support.people import PASSWORD, a_person, an_admin
from tests.support.stack import Stack
from tests.support.web.web_site import serving, silent_recording

HOUR_S = 3600.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Shared by two people, of whom Bo has six hours waiting of the twenty that he may."""
    settings = {"SIGN_IN": "required", "MAX_QUEUED_HOURS": "40", "OWNER_OPEN_UPLOADS": "2"}
    env = {f"LONGSCRIBE_{name}": value for name, value in settings.items()}
    with serving(tmp_path_factory.mktemp("shares"), **env) as stack:
        db = Database(stack.database_url)
        an_admin(db)
        bo = a_person(db)
        accounts.set_monthly_quota(db, bo.id, 8 * HOUR_S)
        factories.submit(db, owner_id=bo.id, told_s=6 * HOUR_S)
        db.dispose()
        yield stack


def signed_in(browser: Browser, server: Stack, name: str, locale: str = "en-GB") -> Iterator[Page]:
    context = browser.new_context(locale=locale)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(server.url)
    page.locator("input[name=name]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("form button").last.click()
    page.wait_for_url(f"{server.url}/")  # the cookie is there
    yield page
    context.close()


@pytest.fixture
def bo(browser: Browser, server: Stack) -> Iterator[Page]:
    yield from signed_in(browser, server, "Bo")


@pytest.fixture
def anna(browser: Browser, server: Stack) -> Iterator[Page]:
    yield from signed_in(browser, server, "Anna")


def test_one_reads_what_waits_and_it_follows_what_is_sent(
    bo: Page, server: Stack, tmp_path: Path
) -> None:
    share = bo.locator("#share")
    expect(share).to_contain_text("You have 6 h of audio waiting, of 20 h that may wait now.")
    expect(share).to_contain_text(re.compile(r"Your recordings take 0 MB of the \d.* that may be"))
    expect(share).to_contain_text("This month you have submitted 6 h of 8 h of audio;")
    # By itself it asks again after a minute only.
    with bo.expect_response("**/fragments/share", timeout=40_000):
        bo.get_by_label("Choose recordings").set_input_files(silent_recording(tmp_path))
    expect(bo.locator("#uploads li")).to_have_count(0)
    expect(bo.get_by_role("link", name="周会 standup")).to_be_visible()
    db = Database(server.database_url)
    accounts.set_monthly_quota(db, accounts.person_named(db, "Bo").id, 6 * HOUR_S)
    db.dispose()
    bo.get_by_label("Choose recordings").set_input_files(silent_recording(tmp_path, "second.wav"))
    row = bo.locator("#uploads li")
    expect(row).to_contain_text("An administrator can raise your quota")
    expect(row.get_by_role("button", name="Try again")).to_be_visible()


def test_it_is_said_in_chinese(browser: Browser, server: Stack) -> None:
    for page in signed_in(browser, server, "Bo", "zh-CN"):
        share = page.locator("#share")
        expect(share).to_contain_text("你有 6 小时的录音在排队，最多可排 20 小时。")


def test_an_administrator_sees_what_each_uses_and_sets_a_quota(anna: Page, server: Stack) -> None:
    anna.goto(f"{server.url}/people")
    row = anna.get_by_role("listitem").filter(has=anna.get_by_text("Bo", exact=True))
    expect(row).to_contain_text("6 h waiting, 0 MB stored, 6 h submitted this month")
    row.get_by_text("Manage").click()
    write_over(row.get_by_label("Hours of audio a month"), "12")
    row.get_by_role("button", name="Set").click()
    expect(anna.get_by_text("The quota is set.")).to_be_visible()
    expect(row).to_contain_text("12 hours a month")
