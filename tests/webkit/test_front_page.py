"""The front page in WebKit: a first visit, a list that follows, and a recording made there."""

from __future__ import annotations

from pathlib import Path

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from shared import accounts, jobs
from tests.support import factories
from tests.support.browsers.webkit import PHONE, WebKit
from tests.support.people import PASSWORD
from tests.support.stack import wait_for
from tests.support.web.web_site import silent_recording
from tests.webkit.site import Site


def test_a_first_visit_from_the_sign_in_to_the_sign_out(
    site: Site, browser: WebKit, tmp_path: Path
) -> None:
    browser.open(site.url)
    browser.press("Bo", Keys.TAB, PASSWORD, Keys.ENTER)  # the first field has the focus
    site.wait_for_front_page(browser, "Bo")
    browser.click(".try button")
    sample = browser.the(".job .name").get_property("title")
    recording = silent_recording(tmp_path)
    browser.driver.find_element(By.ID, "file").send_keys(str(recording))
    browser.the(".job .name", recording.stem)
    browser.gone("#uploads li")

    for _ in range(2):
        factories.complete(site.db, factories.claim(site.db))
    wait_for(lambda: len(browser.all(".job .job-state.completed")) == 2, what="the list to follow")

    browser.click(f'.job:has(.name[title="{sample}"]) .menu.more summary')
    browser.click(".menu.more[open] .danger")
    browser.click("#sure[open] button[value=yes]")
    browser.gone(".job .name", sample)

    browser.click(".foot a", "dark")
    browser.wait("return getComputedStyle(document.body).backgroundColor === 'rgb(22, 25, 27)'")
    browser.click(".site a[lang=zh]")
    browser.wait("return document.documentElement.matches('[lang^=zh].ready')")
    browser.the("span.with-js")

    browser.click(".site .menu summary")
    browser.click(".site .menu button")
    browser.the("#password")
    browser.driver.back()  # to what the browser may have kept
    browser.the("#password")
    assert not browser.driver.find_elements(By.CSS_SELECTOR, ".job")


def test_a_recording_is_kept_over_a_reload_and_sent(site: Site, browser: WebKit) -> None:
    site.sign_in(browser, "Bo", PHONE)
    browser.click(".recorder .record")
    browser.wait("return document.querySelector('.recorder meter')?.value > 0")
    browser.wait("return document.querySelector('.recorder .time').textContent >= '0:02'")
    browser.the(".recorder .where", "Kept in this browser")
    browser.click(".recorder button.primary")
    browser.the(".recorder.recorded audio")
    browser.open(site.url, PHONE)
    name = browser.the("#uploads .kept .name").get_property("textContent")
    assert name.endswith(".m4a")
    browser.click("#uploads .kept button", "Transcribe it")
    browser.the(".job .name", name.removesuffix(".m4a"))
    browser.gone("#uploads li")
    bo = accounts.person_named(site.db, "Bo")
    assert jobs.list_jobs(site.db, owner_id=bo.id).jobs[0].job.recording.filename == name
