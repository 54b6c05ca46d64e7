"""What the player says when the recording does not come, and where a reader comes back to."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Browser, BrowserContext, Route, expect

from tests.e2e.conftest import linger
from tests.e2e.reading.site import RECORDED_S, STORED, Site, is_paused, time_of, wait_for_time
from tests.support.browsers import firefox
from tests.support.speech import long_transcript


def test_the_player_tells_why_there_is_no_sound_and_goes_on_once_there_is(
    site: Site, context: BrowserContext
) -> None:
    answers = {"status": 503}

    def answer(route: Route) -> None:
        if answers["status"] == 200:
            route.continue_()
        else:
            route.fulfill(status=answers["status"], body="")

    context.route("**/audio*", answer)
    page = site.open(context)
    trouble = page.locator("#player .trouble")
    expect(trouble).to_contain_text("cannot be reached just now")
    answers["status"] = 401
    expect(trouble).to_contain_text("You are signed out")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_enabled()
    answers["status"] = 200
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as from another tab
    expect(trouble).to_be_hidden()
    page.locator("#s4 .at").click()
    wait_for_time(page, STORED.sentences[4].start, RECORDED_S)

    answers["status"] = 404
    page = site.open(context, site.add(long_transcript.tone(5)))
    trouble = page.locator("#player .trouble")
    expect(trouble).to_contain_text("The recording is gone")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_disabled()
    site.complaints.clear()  # the browser notes each answer


@pytest.mark.both_browsers
@pytest.mark.firefox("only it calls that an error")
def test_a_computer_without_sound_output_is_told_of_and_followed(
    site: Site, browser: Browser
) -> None:
    deaf = firefox.launch(browser.browser_type, **{"media.cubeb.force_mock_context": False})
    page = site.open(deaf.new_context(locale="en-GB"))
    page.locator("#s4 .at").click()
    expect(page.locator("#player .trouble")).to_contain_text("no sound output")
    wait_for_time(page, STORED.sentences[5].start, RECORDED_S)
    expect(page.locator("#s5")).to_contain_class("now")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_enabled()
    deaf.close()
    site.complaints.clear()  # the browser notes that there is no output


@pytest.mark.both_browsers
def test_a_reader_comes_back_to_the_place_and_by_one_stop_of_the_tab_key(
    site: Site, context: BrowserContext
) -> None:
    page = site.open(context)
    page.locator("#player .seek").fill("40")
    wait_for_time(page, 39.9, 40.1)
    page.close()
    page = site.open(context)
    expect(page.locator("#sentences li.now")).to_have_count(1)
    assert time_of(page) == pytest.approx(40, abs=0.2)
    assert is_paused(page)
    assert page.evaluate("scrollY") == 0  # whoever opens a page begins at its top

    times = page.locator("#sentences .at:not([tabindex])")
    expect(times).to_have_count(1)
    times.focus()
    page.keyboard.press("Home")
    expect(page.locator("#s0 .at")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#s1 .at")).to_be_focused()
    expect(times).to_have_count(1)
    page.set_viewport_size({"width": 320, "height": 180})  # 400 % of 1280 by 720
    page.keyboard.press("End")
    expect(page.locator("#player")).not_to_be_in_viewport()  # it would take most of the window
    expect(page.locator(f"#s{len(STORED.sentences) - 1} .at")).to_be_in_viewport()


def test_pauses_are_skipped_a_place_is_linked_to_and_who_speaks_is_drawn(
    site: Site, context: BrowserContext
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = site.open(context)
    page.wait_for_function(
        "() => { const canvas = document.querySelector('.voices');"
        " return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)"
        ".data.some((value) => value > 0); }"
    )
    before, after = next(
        pair for pair in pairwise(STORED.sentences) if pair[1].start - pair[0].end > 1.5
    )
    page.get_by_role("button", name="Skip silence").click()
    page.evaluate(
        """(time) => {
          const audio = document.querySelector('#player audio');
          audio.currentTime = time;
          audio.addEventListener('seeked', () => {
            audio.addEventListener('seeking', () => (window.leaptTo ??= audio.currentTime));
            audio.play();
          }, { once: true });
        }""",
        before.end + 0.1,
    )
    page.wait_for_function("() => window.leaptTo")
    assert page.evaluate("window.leaptTo") == pytest.approx(after.start - 0.3, abs=0.05)
    page.keyboard.press("k")
    page.locator("#player .seek").fill("42.5")
    linger(page)
    page.get_by_role("button", name="Link").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"{site.stack.url}/jobs/{site.job_id}?t=42.5"
    page.get_by_label("Speed").select_option("3")
    assert page.evaluate("document.querySelector('#player audio').playbackRate") == 3

    # Without HTTPS there is no clipboard, and the way round it leaves the open sentence open.
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.locator("#s1 p.text").dblclick()
    page.locator(".editor textarea").fill("half a")
    page.locator("#player [data-do=link]").click()
    page.keyboard.type(" sentence")
    expect(page.locator(".editor textarea")).to_have_value("half a sentence")
    expect(page.locator(".editor textarea")).to_be_focused()
    page.keyboard.press("Escape")
