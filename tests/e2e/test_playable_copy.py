"""An AIFF recording, which no browser opens, is heard on its page at the words' own times."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, expect

from tests.support.databases.sqlite import migrated_file
from tests.support.recordings.places import SLOW_RATE, Original, slowed
from tests.support.recordings.player import Heard, Player, Request
from tests.support.speech.demo_speech import meeting
from tests.support.speech.media import RATE, encode
from tests.support.stack import NOBODY_DIES, Stack, running, wait_for

SPOKEN = partial(meeting, 60, seed=5)
CLOSE_S = 0.1


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("copy")
    url = migrated_file(folder / "longscribe.db")
    with running(Stack(folder / "stack", url, {**NOBODY_DIES})) as stack:
        stack.start_redis()
        stack.start_worker()
        stack.start_web()
        yield stack


def test_a_click_on_a_word_plays_that_word_of_the_copy(
    server: Stack, browser: Browser, context: BrowserContext, tmp_path: Path
) -> None:
    original = encode(SPOKEN().samples, tmp_path / "meeting.aiff", "aiff")
    with original.open("rb") as file:
        made = requests.post(f"{server.url}/api/v1/jobs", files={"file": file}, timeout=60)
    job = f"{server.url}{made.headers['Location']}"
    wait_for(
        lambda: requests.get(job, timeout=60).json()["status"] == "completed",
        seconds=240,
        what="the transcript",
    )
    assert requests.get(job, timeout=60).json()["audio"]["kind"] == "copy"

    page = context.new_page()
    page.goto(f"{server.url}/jobs/{job.rpartition('/')[-1]}")
    expect(page.locator("#player")).to_be_visible()
    expect(page.locator("#player .trouble")).to_be_hidden()
    expect(page.locator("#player .light-copy")).to_be_visible()
    expect(page.locator("#player .light-copy a")).to_have_attribute(
        "href", f"{made.headers['Location']}/audio?download=1"
    )
    page.wait_for_function("() => document.querySelector('#player audio').readyState >= 1")
    duration = page.evaluate("document.querySelector('#player audio').duration")
    assert duration == pytest.approx(60, abs=0.1)

    sentences = requests.get(f"{job}/words", timeout=60).json()["sentences"]
    chosen = sentences[len(sentences) // 2]
    place = page.evaluate(
        """n => {
          const node = document.querySelector(`#s${n} p`).firstChild;
          node.parentElement.scrollIntoView({block: 'center'});
          const range = document.createRange();
          range.setStart(node, 0);
          range.setEnd(node, 1);
          const box = range.getClientRects()[0];
          return [box.left + box.width / 2, box.top + box.height / 2];
        }""",
        chosen["n"],
    )
    page.mouse.click(*place)
    page.wait_for_function(
        "at => Math.abs(document.querySelector('#player audio').currentTime - at) < 0.02",
        arg=chosen["start"],
    )
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "at => document.querySelector('#player audio').currentTime > at + 0.3",
        arg=chosen["start"],
    )

    (tmp_path / "copy.webm").write_bytes(requests.get(f"{job}/audio", timeout=60).content)
    asked = [Request("copy.webm", at_s) for at_s in (3.0, chosen["start"], 51.7)]
    said = Original(SPOKEN().samples)

    def why_wrong(_: Request, heard: Heard) -> str:
        sound = slowed(heard.sound)
        at = len(sound) // 4
        shown_s = heard.shown_at(round(at / SLOW_RATE * RATE))
        if shown_s is None:
            return f"nothing is played: {heard.error}"
        found = said.find(sound[at : at + SLOW_RATE])
        is_right = found.similarity > 0.8 and abs(found.at_s - shown_s) <= CLOSE_S
        return "" if is_right else f"{found} at {shown_s:.2f} s"

    with Player(browser, tmp_path) as player:
        assert player.misheard(asked, why_wrong) == {}
