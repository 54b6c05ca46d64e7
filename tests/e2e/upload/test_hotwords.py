"""Words that are likely to be said, from the form's field to the job."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, FilePayload, Page, expect

from shared.models import LOCAL_OWNER
from shared.words.hotwords import given_words, replace_list
from tests.e2e.upload.site import Site, choose
from tests.support.browsers import chosen
from tests.support.browsers.hands import intercept

WORDS = "Words that are likely to be said"


def _open_options(page: Page) -> None:
    page.get_by_text("Options").click()


def _drop_words(page: Page, text: str) -> None:
    if chosen.IS_FIREFOX:  # its process ends where a field gets a drop that no drag began
        file: FilePayload = {
            "name": "words.txt",
            "mimeType": "text/plain",
            "buffer": text.encode(),
        }
        page.get_by_label("Choose a text file").set_input_files(file)
        return
    dropped = page.evaluate_handle(
        """(text) => {
          const data = new DataTransfer();
          data.items.add(new File([text], "words.txt", { type: "text/plain" }));
          return data;
        }""",
        text,
    )
    page.get_by_label(WORDS).dispatch_event("drop", {"dataTransfer": dropped})


def test_words_and_a_dropped_file_of_them_go_with_the_recording(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    replace_list(site.db, LOCAL_OWNER, ("达摩院",), editor_id=LOCAL_OWNER)
    (tmp_path / "meeting.wav").write_bytes(b"sound")
    (tmp_path / "list.txt").write_bytes("网关".encode("gb18030"))
    page = site.open(context)
    _open_options(page)
    expect(page.locator("#hotwords-now")).to_contain_text("The lists add 1 words of yours")
    page.get_by_label(WORDS).fill("Kubernetes 集群")
    _drop_words(page, "阿里巴巴\n")
    expect(page.get_by_label(WORDS)).to_have_value("Kubernetes 集群\n阿里巴巴\n")
    page.get_by_label("Choose a text file").set_input_files(tmp_path / "list.txt")
    expect(page.get_by_label(WORDS)).to_have_value("Kubernetes 集群\n阿里巴巴\n网关")
    choose(page, tmp_path / "meeting.wav")
    expect(page.locator(".job")).to_have_count(1)  # and no recording of the dropped list
    link = page.locator(".job a").first.get_attribute("href")
    assert link is not None
    with site.db.reading() as session:
        given = given_words(session, link.split("/")[-1])
    assert given is not None
    assert given.named == ("Kubernetes 集群", "网关", "阿里巴巴")
    assert given.own == ("达摩院",)


def test_an_upload_of_an_earlier_visit_has_the_words_of_that_visit(
    site: Site, context: BrowserContext, tmp_path: Path
) -> None:
    """The words are kept in the browser: they are too long for what goes along with an upload."""
    (tmp_path / "meeting.wav").write_bytes(b"sound")
    page = site.open(context)
    intercept(page, "**/api/v1/jobs", lambda route: route.abort())  # the last step, cut off
    _open_options(page)
    page.get_by_label(WORDS).fill("网关")
    choose(page, tmp_path / "meeting.wav")
    expect(page.locator("#uploads li")).to_contain_text("Trying again by itself")
    page.close()
    again = site.open(context)
    expect(again.locator(".job")).to_have_count(1)
    link = again.locator(".job a").first.get_attribute("href")
    assert link is not None
    with site.db.reading() as session:
        given = given_words(session, link.split("/")[-1])
    assert given is not None and given.named == ("网关",)
