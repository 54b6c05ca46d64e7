"""A recording with a picture: beside or above the text, with the transcript as captions over it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from shared.transcripts.recording_report import RecordingReport
from tests.e2e.reading.site import STORED, Site
from tests.support.reports import PLAIN
from tests.support.speech.media import RATE, encode
from tests.support.stack import wait_for

SILENCE = np.zeros(20 * RATE, np.int16)

CUES = """
(begin) => {
  const [track] = document.querySelector("#player video").textTracks;
  const cues = track?.mode === "showing" ? [...(track.cues ?? [])] : [];
  const said = cues.map((cue) => cue.text).join(" ").replace(/\\s/g, "");
  return cues.length > 0 && said.startsWith(begin) && said;
}
"""


def recorded(
    site: Site, folder: Path, kind: str, name: str, report: RecordingReport | None = None
) -> str:
    content = encode(SILENCE, folder / kind, kind).read_bytes()
    return site.add(content, filename=name, report=report)


def boxes(page: Page) -> tuple[dict[str, float], dict[str, float]]:
    picture = page.locator("#player video").bounding_box()
    text = page.locator("#sentences").bounding_box()
    assert picture and text
    return dict(picture), dict(text)


def is_beside(picture: dict[str, float], text: dict[str, float]) -> bool:
    return picture["x"] >= text["x"] + text["width"]


def is_above(picture: dict[str, float], text: dict[str, float]) -> bool:
    return picture["y"] + picture["height"] <= text["y"]


def test_the_picture_is_beside_the_text_with_captions(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    job_id = recorded(site, tmp_path, "webm-video", "周会.webm")
    page = site.open(context, job_id)
    page.set_viewport_size({"width": 1400, "height": 800})
    expect(page.locator(".with-picture #player video")).to_be_visible()
    wait_for(lambda: is_beside(*boxes(page)), what="the picture beside the text")
    picture, _ = boxes(page)
    said = page.wait_for_function(CUES, arg="").json_value()
    assert STORED.sentences[0].text.rstrip("。") in said

    # The keys are the same ones, and a click on it plays too.
    page.keyboard.press("k")
    page.wait_for_function("() => !document.querySelector('#player video').paused")
    page.locator("#player video").click()
    page.wait_for_function("() => document.querySelector('#player video').paused")

    # Corrected, the captions say it too.
    page.locator("#s0 .text").dblclick()
    page.locator(".editor textarea").fill("大家好。")
    page.keyboard.press("Control+Enter")
    page.wait_for_function(CUES, arg="大家好")

    page.get_by_role("button", name="Larger").click()
    wait_for(lambda: boxes(page)[0]["width"] > picture["width"], what="a larger picture")
    page.get_by_role("button", name="Captions").click()
    wait_for(lambda: not page.evaluate(CUES, ""), what="the captions to go")
    page.set_viewport_size({"width": 390, "height": 780})
    wait_for(lambda: is_above(*boxes(page)), what="the picture above the text")
    assert boxes(page)[0]["width"] <= 390
    page.get_by_role("button", name="Picture").click()
    expect(page.locator("#player video")).to_be_hidden()
    page.reload()
    page.locator(".picture-tools").wait_for()
    expect(page.locator("#player video")).to_be_hidden()


@pytest.mark.parametrize("width", [1400, 390])
def test_there_is_room_for_a_picture_before_it_is_found(
    site: Site, context: BrowserContext, tmp_path: Path, width: int
) -> None:
    job_id = recorded(site, tmp_path, "webm-video", "周会.webm", replace(PLAIN, picture="vp8"))
    held: list[Route] = []
    released = Event()
    context.route("**/audio?*", lambda it: it.continue_() if released.is_set() else held.append(it))
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 800})
    # Firefox takes a page for loaded once it has the picture.
    page.goto(f"{site.stack.url}/jobs/{job_id}", wait_until="commit")
    page.locator("#player:not(.waits)").wait_for()
    page.wait_for_function("() => document.fonts.status === 'loaded'")
    before = boxes(page)
    wait_for(lambda: bool(held), what="the browser to ask for the recording")
    released.set()
    held[0].continue_()
    page.wait_for_function("() => document.querySelector('#player video').videoWidth > 0")
    _, text = boxes(page)
    assert text == before[1]
    assert (is_beside if width == 1400 else is_above)(*before)


def test_the_room_is_given_back_where_there_is_no_picture(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    page = site.open(
        context, recorded(site, tmp_path, "webm", "声音.webm", replace(PLAIN, picture="vp8"))
    )
    page.wait_for_function("() => document.querySelector('#player video').readyState >= 2")
    expect(page.locator("#player video")).to_be_hidden()
    expect(page.get_by_role("button", name="Picture")).to_be_hidden()


def test_where_the_picture_is_of_an_unknown_kind_the_sound_is_heard(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    page = site.open(context, recorded(site, tmp_path, "mp4", "旧.mp4"))
    page.wait_for_function("() => document.querySelector('#player video').readyState >= 1")
    expect(page.locator("#player video")).to_be_hidden()
    expect(page.get_by_role("button", name="Captions")).to_be_hidden()
    page.keyboard.press("k")
    page.wait_for_function("() => document.querySelector('#player video').currentTime > 0")
