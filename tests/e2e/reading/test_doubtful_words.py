"""Words recognised with little certainty are marked where the transcript is read."""

from __future__ import annotations

from dataclasses import replace

from playwright.sync_api import BrowserContext, Route, expect

from shared.transcripts.values import Transcript
from tests.e2e.reading.site import RECORDED_S, STORED, Site
from tests.support.speech import long_transcript

DOUBTFUL = "[...(CSS.highlights.get('doubtful') ?? [])].map(String)"


STYLED = """() => document.querySelectorAll("#sentences li").length > 3 &&
  [...document.querySelectorAll("link[rel=stylesheet]")].every((one) => one.sheet)"""
PAINTED = "() => new Promise((then) => requestAnimationFrame(() => setTimeout(then)))"
TOP = "document.getElementById('s0').getBoundingClientRect().top"


def with_confidence(stored: Transcript, doubtful: dict[int, set[int]], share: float) -> Transcript:
    """Give every word a high confidence but those at these places of these sentences."""
    sentences = tuple(
        replace(
            sentence,
            words=tuple(
                replace(word, confidence=0.3 if place in doubtful.get(n, ()) else 0.95)
                for place, word in enumerate(sentence.words)
            ),
        )
        for n, sentence in enumerate(stored.sentences)
    )
    return replace(stored, sentences=sentences, low_confidence_share=share)


def test_doubtful_words_are_marked_and_explained(site: Site, context: BrowserContext) -> None:
    doubtful = {0: {1, 2}, 3: {0}}
    stored = with_confidence(STORED, doubtful, share=0.0131)
    page = site.open(context, site.add(long_transcript.tone(RECORDED_S), stored))
    expect(page.get_by_text("Dotted: words recognised with little certainty, 1.3%")).to_be_visible()
    words = [stored.sentences[n].words[place].word for n in doubtful for place in doubtful[n]]
    page.wait_for_function(f"() => {DOUBTFUL}.length >= {len(words)}")
    assert sorted(page.evaluate(DOUBTFUL)) == sorted(words)


def test_a_transcript_without_confidences_has_no_marks(site: Site, context: BrowserContext) -> None:
    page = site.open(context)
    expect(page.locator("#sentences li").first).to_be_visible()
    expect(page.get_by_text("little certainty")).to_have_count(0)
    assert page.evaluate(DOUBTFUL) == []


def test_no_text_moves_once_the_scripts_run(site: Site, context: BrowserContext) -> None:
    stored = with_confidence(STORED, {3: {0}}, share=0.0131)
    job_id = site.add(long_transcript.tone(RECORDED_S), stored)
    held: list[Route] = []
    context.route("**/js/job.js", lambda route: held.append(route))
    page = context.new_page()
    for width in (1280, 390):
        held.clear()
        page.set_viewport_size({"width": width, "height": 800})
        with page.expect_request("**/js/job.js"):
            page.goto(f"{site.stack.url}/jobs/{job_id}", wait_until="commit")
        page.wait_for_function(STYLED)
        before = page.evaluate(TOP)
        with page.expect_event("requestfinished", lambda one: "/peaks" in one.url):
            held[0].continue_()
        expect(page.locator("#player")).to_be_visible()
        expect(page.locator("#doubtful-words")).to_be_visible()
        page.evaluate(PAINTED)
        assert page.evaluate(TOP) == before
