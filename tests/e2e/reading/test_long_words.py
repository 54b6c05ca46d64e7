"""Words without a place to break them, wherever a page shows what people named or said."""

from __future__ import annotations

import requests
from playwright.sync_api import Browser

from shared.transcripts.values import Sentence, Transcript
from tests.e2e.reading.site import Site
from tests.support.speech import long_transcript

WIDTH = 320


def test_no_page_is_wider_than_a_phone(site: Site, browser: Browser) -> None:
    words = ("x" * 900, "ー" * 400, "z\u0301" * 300, "👨‍👩‍👧" * 100)
    said = tuple(Sentence(float(n), n + 0.9, word) for n, word in enumerate(words))
    sound, transcript = long_transcript.tone(5), Transcript(5.0, "zh", "demo", said)
    job_id = site.add(sound, transcript, filename="y" * 240 + ".wav")
    api = f"{site.stack.url}/api/v1"
    details = {"title": "T" * 255, "people": ["P" * 80], "tags": ["t" * 50]}
    requests.patch(f"{api}/jobs/{job_id}", json=details, timeout=60).raise_for_status()
    mark = {"kind": "todo", "at": 1, "text": "m" * 200, "who": "w" * 80, "due": "d" * 80}
    marks = {"marks": [mark, {"kind": "chapter", "at": 2, "text": "c" * 200}]}
    requests.post(f"{api}/jobs/{job_id}/marks", json=marks, timeout=60).raise_for_status()
    saved = requests.post(f"{api}/searches", json={"name": "n" * 80, "q": "x" * 100}, timeout=60)
    saved.raise_for_status()
    context = browser.new_context(viewport={"width": WIDTH, "height": 700}, locale="zh-CN")
    page = context.new_page()
    wide = {}
    of_job = (f"/jobs/{job_id}{what}" for what in ("", "/sharing", "/again", "/delete"))
    for path in ("/", f"/?q={'x' * 100}", *of_job):
        page.goto(site.stack.url + path)
        page.wait_for_load_state("networkidle")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > WIDTH:
            wide[path] = width
    context.close()
    requests.delete(f"{api}/searches/{saved.json()['id']}", timeout=60).raise_for_status()
    assert wide == {}
