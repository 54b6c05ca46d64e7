"""One WebKit and one server for all tests of this folder, and what a person needs of both."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.web.web_site import serving

HERE = Path(__file__).parent

HAS_SELENIUM = find_spec("selenium") is not None
"""`make test-webkit` installs it for these tests alone."""

if HAS_SELENIUM:
    from tests.support.browsers import webkit
    from tests.support.browsers.webkit import WebKit
    from tests.webkit.site import Site, furnished
else:
    collect_ignore_glob = ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.webkit)


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebKit]:
    try:
        with webkit.opened(tmp_path_factory.mktemp("webkit")) as opened:
            yield opened
    except webkit.BrowserMissing as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="package")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with serving(tmp_path_factory.mktemp("site"), LONGSCRIBE_SIGN_IN="required") as stack:
        site = furnished(stack)
        yield site
        site.db.dispose()


@pytest.fixture
def site(served: Site, browser: WebKit) -> Iterator[Site]:
    """The site, with nobody signed in; fails if a page logged an error during the test."""
    before = len(browser.complaints())
    # Without a script, whose requests would bring a cookie back.
    browser.driver.get(f"{served.url}/static/icon.svg")
    browser.driver.delete_all_cookies()
    browser.run("localStorage.clear()")
    yield served
    assert browser.complaints()[before:] == []
