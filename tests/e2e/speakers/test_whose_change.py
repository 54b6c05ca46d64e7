"""Whose change it was, where people have accounts."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, expect

from shared.db import Database
from tests.e2e.speakers.meeting import Meeting, panel, person, said
from tests.support.people import PASSWORD, an_admin
from tests.support.speech.meeting import in_turn
from tests.support.web.web_site import serving


def test_the_history_names_who_changed_what(tmp_path: Path, context: BrowserContext) -> None:
    with serving(tmp_path, LONGSCRIBE_SIGN_IN="required") as stack:
        db = Database(stack.database_url)
        job_id = in_turn(db, [1, 2], owner_id=an_admin(db).id)
        page = context.new_page()
        page.goto(stack.url)
        page.get_by_label("Name").fill("Anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{stack.url}/")  # the cookie is there; headings are everywhere
        page = Meeting(stack, db, job_id).open(context)
        person(page, 1).locator("button.name").click()
        page.keyboard.insert_text("王敏")
        page.keyboard.press("Enter")
        expect(said(page)).to_contain_text("Saved.")
        panel(page).get_by_text("1 change", exact=True).click()
        expect(panel(page).locator(".changes time")).to_contain_text("Anna")
        db.dispose()
