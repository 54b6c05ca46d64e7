"""A team in real browsers: the first account, a second one, each with their own recordings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from shared import accounts, jobs
from shared.db import Database
from tests.e2e.conftest import PATIENCE_MS, linger
from tests.support import factories
from tests.support.databases.sqlite import migrated_file
from tests.support.people import PASSWORD, a_person, an_admin
from tests.support.stack import Stack, running, wait_for
from tests.support.web.web_site import serving, silent_recording

Theme = Literal["light", "dark"]

NEW_PASSWORD = "battery staple correct"


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Stack]:
    """A server that has not been set up."""
    with serving(tmp_path, LONGSCRIBE_SIGN_IN="required") as stack:
        yield stack


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server with several accounts."""
    folder = tmp_path_factory.mktemp("served")
    url = migrated_file(folder / "longscribe.db")
    db = Database(url)
    anna = an_admin(db)
    a_person(db, "王伟")
    accounts.disable(db, a_person(db, "Maximiliane Schwarzenberger-Hohenlohe").id)
    accounts.make_key(db, user_id=anna.id, name="每晚导入")
    db.dispose()
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0", "LONGSCRIBE_SIGN_IN": "required"}
    with running(Stack(folder / "stack", url, env)) as stack:
        stack.start_web()
        yield stack.url


@pytest.fixture
def rows(team: Stack) -> Iterator[Database]:
    db = Database(team.database_url)
    yield db
    db.dispose()


@pytest.fixture
def other_context(browser: Browser) -> Iterator[BrowserContext]:
    """Another person's browser."""
    opened = browser.new_context(locale="en-GB")
    opened.set_default_timeout(PATIENCE_MS)
    yield opened
    opened.close()


def set_up_code(stack: Stack) -> str:
    found = re.search(r"code=([a-z2-7-]{14})", stack.services[-1].log)
    return found[1] if found else ""


def set_up(page: Page, stack: Stack) -> None:
    page.goto(stack.url)
    page.get_by_label("Set-up code").fill(wait_for(lambda: set_up_code(stack), what="the code"))
    page.get_by_label("Your name").fill("Anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_text("This server is set up")).to_be_visible()


def enter(page: Page, name: str, password: str = PASSWORD) -> None:
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def choose(page: Page, item: str) -> None:
    """Choose an item of the menu with the person's name."""
    page.locator("header .menu summary").click()
    page.locator("header .menu").get_by_text(item, exact=True).click()


@pytest.mark.both_browsers
def test_a_team_from_the_first_account_to_the_last_sign_out(
    team: Stack, rows: Database, page: Page, other_context: BrowserContext, tmp_path: Path
) -> None:
    kept = factories.submit(rows, filename="recorded before")
    set_up(page, team)
    expect(page.get_by_role("link", name="recorded before")).to_be_visible()
    jobs.cancel(rows, owner_id=accounts.person_named(rows, "Anna").id, job_id=kept)

    # A recording through the page's own script, whose requests need cookie and token.
    recording = silent_recording(tmp_path)
    page.locator("input[type=file]").first.set_input_files(recording)
    expect(page.get_by_role("link", name=recording.stem)).to_be_visible()
    anna = accounts.person_named(rows, "Anna")
    job = next(
        view.job
        for view in jobs.list_jobs(rows, owner_id=anna.id).jobs
        if view.job.recording.filename == recording.name
    )
    assert page.goto(f"{team.url}/jobs/{job.id}").status == 200  # type: ignore[union-attr]

    choose(page, "People")
    page.get_by_label("Name").fill("Bo")
    page.get_by_role("button", name="Add").click()
    password = page.locator("#secret code").inner_text()

    theirs = other_context.new_page()
    theirs.goto(f"{team.url}/jobs/{job.id}")
    expect(theirs).to_have_url(re.compile(r"/sign-in\?next="))
    enter(theirs, "bo", "not the password")
    expect(theirs.get_by_role("alert")).to_contain_text("not right")
    expect(theirs.get_by_label("Password")).to_be_focused()
    enter(theirs, "bo", password)
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Change the password")
    theirs.get_by_label("Present password").fill(password)
    theirs.get_by_label("New password").fill(NEW_PASSWORD)
    theirs.get_by_role("button", name="Change the password").click()
    expect(theirs.get_by_text("The password is changed")).to_be_visible()

    # Anna's job is not there for Bo, by its page or by the API.
    gone = theirs.goto(f"{team.url}/jobs/{job.id}")
    assert gone is not None and gone.status == 404
    assert theirs.evaluate(f"fetch('/api/v1/jobs/{job.id}').then(r => r.status)") == 404
    theirs.goto(team.url)
    expect(theirs.get_by_role("link", name=recording.stem)).to_have_count(0)
    people = theirs.goto(f"{team.url}/people")
    assert people is not None and people.status == 403

    theirs.goto(team.url)
    choose(theirs, "Sign out")
    expect(theirs.get_by_text("You are signed out.")).to_be_visible()
    theirs.go_back()  # to what a browser may have kept
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Sign in")
    enter(theirs, "Bo", NEW_PASSWORD)
    expect(theirs).to_have_url(re.compile(r"127\.0\.0\.1:\d+/"))


def test_a_page_that_was_left_open_asks_to_sign_in_once_its_session_has_ended(
    team: Stack, rows: Database, page: Page
) -> None:
    set_up(page, team)
    anna = accounts.person_named(rows, "Anna")
    factories.submit(rows, owner_id=anna.id)
    page.reload()
    accounts.end_all(rows, anna.id)
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_what_stands_on_a_page_can_be_sent_after_signing_in_again_in_another_tab(
    team: Stack, rows: Database, context: BrowserContext, page: Page
) -> None:
    set_up(page, team)
    anna = accounts.person_named(rows, "Anna")
    job_id = factories.submit(rows, owner_id=anna.id)
    # Nobody looks at this tab, or it would see that they are signed out.
    page.route("**/fragments/**", lambda route: route.abort())
    page.goto(team.url)
    page.get_by_role("checkbox", name="Select ").check()
    cancel = f"""import("/static/js/page/api.js")
        .then(({{ api }}) => api("POST", "/api/v1/jobs/{job_id}/cancel"))
        .then((job) => job.status, (error) => error.message)"""
    accounts.end_all(rows, anna.id)
    assert page.evaluate(cancel).startswith("You are signed out.")
    # Whoever signs in meanwhile goes on with the session of their page, and no other is begun: not
    # where the server sends everybody to that page, for without HTTPS no browser says what asks.
    context.clear_cookies()
    to_sign_in = {"Location": "/sign-in"}
    page.route("**/account", lambda route: route.fulfill(status=303, headers=to_sign_in))
    page.evaluate("import('/static/js/page/api.js').then(({ renewToken }) => renewToken())")
    assert context.cookies() == []
    page.unroute("**/account")
    tab = context.new_page()
    tab.goto(team.url)
    enter(tab, "Anna")
    expect(tab.locator("header .menu summary")).to_be_visible()
    page.get_by_role("button", name="Cancel 1").click()
    expect(page.get_by_role("status").filter(has_text="1 cancelled.")).to_be_visible()


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 390)])
def test_what_the_pages_about_accounts_say_for_a_moment_is_accessible(
    served: str, browser: Browser, theme: Theme, width: int
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=theme, locale="en-GB"
    )
    page = context.new_page()
    page.goto(f"{served}/sign-in")
    enter(page, "Anna", "not the password")
    page.get_by_role("alert").wait_for()
    seen(page, width)
    enter(page, "Anna")
    page.locator("header .menu summary").click()
    seen(page, width)
    page.goto(f"{served}/account")
    page.get_by_label("What the key is for").fill("a key")
    page.keyboard.press("Enter")
    page.locator("#secret").wait_for()
    seen(page, width)
    page.goto(f"{served}/people")
    page.locator("main details").evaluate_all("all => all.forEach((one) => (one.open = true))")
    seen(page, width)
    context.close()


def seen(page: Page, width: int) -> None:
    """Expect no violation found by axe-core and no horizontal overflow."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_key_is_made_copied_and_revoked(
    team: Stack, rows: Database, context: BrowserContext, page: Page
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    set_up(page, team)
    choose(page, "Your account")
    page.get_by_label("What the key is for").fill("nightly import")
    page.get_by_role("button", name="Make a key").dblclick(delay=60)
    copy = page.get_by_role("button", name="Copy")
    expect(copy).to_be_visible()
    linger(page)
    copy.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    key = page.evaluate("navigator.clipboard.readText()")
    assert accounts.find_by_key(rows, key.strip()) is not None
    [person] = accounts.people(rows)
    assert len(accounts.keys_of(rows, person.id)) == 1
    page.goto(f"{team.url}/account")
    expect(page.get_by_text(key)).to_have_count(0)
    page.get_by_role("button", name="Revoke the key “nightly import”").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The key is revoked")).to_be_visible()
    assert accounts.find_by_key(rows, key.strip()) is None


def test_signing_in_works_without_javascript_and_by_keyboard(
    team: Stack, rows: Database, context_without_js: BrowserContext
) -> None:
    accounts.add_first_admin(rows, name="Anna", password=PASSWORD)
    page = context_without_js.new_page()
    page.goto(team.url)
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("Anna")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("header .menu summary")).to_have_text("Anna")
    page.locator("header .menu summary").press("Enter")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
