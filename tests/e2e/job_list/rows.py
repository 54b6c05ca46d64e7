"""The rows of the list, as a person looks for them."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Locator, Page

from shared.db import Database
from shared.states import JobStatus
from tests.support import factories


def row(page: Page, name: str) -> Locator:
    return page.locator(".job").filter(has=page.get_by_role("link", name=name, exact=True))


def pick(page: Page, name: str) -> Locator:
    return page.get_by_role("checkbox", name=f"Select {name}", exact=True)


def more(page: Page, name: str) -> Locator:
    """Open the menu of a job."""
    menu = row(page, name).locator("details.more")
    menu.locator("summary").click()
    return menu


def names(page: Page) -> Locator:
    return page.locator(".job .name")


def address(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def ended(db: Database, *statuses: JobStatus) -> None:
    """Create a job in each state, named after it, and leave none waiting."""
    for status in statuses:
        factories.a_job(db, status, filename=f"{status}")
