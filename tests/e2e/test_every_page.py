"""Checks of every page, in both languages and themes, wide and narrow: no violation found by
axe-core, no error in the browser, no request to another host, nothing inline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Response, StorageState

from shared import accounts
from shared.annotations.details import change_details
from shared.annotations.marks import MarkKind, add_marks, checked_mark
from shared.db import Database
from shared.export.reports.named_templates import keep_template
from shared.models import LOCAL_OWNER
from shared.outbound.addresses import AddressRules
from shared.search.saved import ListConditions, save_search
from shared.speakers.kept.voice_keeping import switch_on
from shared.states import JobStatus
from shared.storage.local.folder import LocalFolder
from shared.webhooks.hooks import HookSettings, add_hook, send_test
from shared.words.hotwords import replace_list
from shared.words.replacements import lists
from shared.words.replacements.lists import EVERYBODY
from shared.words.replacements.pairs import Pair
from tests.e2e.problems import LOOKS_OF_LOCALES, Look, examined, new_context, problems_of
from tests.support import factories, reports
from tests.support.people import PASSWORD, a_person, an_admin
from tests.support.speech import long_transcript
from tests.support.stack import Stack
from tests.support.web.web_site import serving

OPEN_ALL = """
for (const part of document.querySelectorAll("details.how, details.details")) part.open = true;
"""
MOST_BYTES = 400_000
"""The most bytes of a first visit, compressed."""


@dataclass
class Installed:
    """A server, the URLs of its pages by name, and the browser contexts."""

    stack: Stack
    paths: dict[str, str] = field(default_factory=dict)
    signed_in: StorageState | None = None


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with serving(tmp_path_factory.mktemp("every-page")) as stack:
        db = Database(stack.database_url)
        made = Installed(stack, {"nothing there": "/nowhere"})
        for status in (
            JobStatus.COMPLETED,
            JobStatus.FAILED,
            JobStatus.CANCELLED,
            JobStatus.CANCELLING,
            JobStatus.PROCESSING,
            JobStatus.QUEUED,
        ):
            job_id = factories.a_job(
                db, status, filename=f"周会 {status} standup.wav", hotwords=("网关", "集群")
            )
            made.paths[status.value] = f"/jobs/{job_id}"
            if status == JobStatus.COMPLETED:
                made.paths["delete"] = f"/jobs/{job_id}/delete"
                made.paths["transcribe again"] = f"/jobs/{job_id}/again"
        blobs = LocalFolder(stack.folder / "data" / "recordings", min_free_bytes=0)
        stored = long_transcript.transcript(60 / 3600, 300)
        heard = long_transcript.finished_job(
            db, blobs, long_transcript.tone(60), stored, report=reports.FULL
        )
        made.paths["with its recording"] = f"/jobs/{heard}"
        change_details(
            db,
            owner_id=LOCAL_OWNER,
            job_id=heard,
            editor_id=LOCAL_OWNER,
            changes={"title": "季度预算会", "people": ["王芳", "Bo"], "tags": ["预算"]},
        )
        add_marks(
            db,
            owner_id=LOCAL_OWNER,
            job_id=heard,
            editor_id=LOCAL_OWNER,
            marks=[
                checked_mark(kind, 10.0 * n, text=f"第{n}项 budget", who="", due="")
                for n, kind in enumerate(MarkKind)
            ],
        )
        replace_list(db, LOCAL_OWNER, [f"词{n}" for n in range(30)], editor_id=LOCAL_OWNER)
        switch_on(db, LOCAL_OWNER)
        lists.put(db, LOCAL_OWNER, [Pair(f"wrong {n}", "right") for n in range(30)], only=True)
        webhook, _ = add_hook(
            db,
            AddressRules(),
            owner_id=LOCAL_OWNER,
            wanted=HookSettings("https://example.org/hook", "会议 tickets"),
            site_url="",
        )
        send_test(db, owner_id=LOCAL_OWNER, webhook_id=webhook.id)
        keep_template(db, owner_id=LOCAL_OWNER, name="董事会", content=b"{{title}}")
        made.paths |= {
            "webhooks": "/webhooks",
            "notifications": "/notifications",
            "offline": "/offline",
            "fetches": "/fetches",
            "webhook": f"/webhooks/{webhook.id}",
            "words": "/words",
            "report template": "/report-template",
            "voices": "/voices",
            "voices off": "/voices/off",
            "list": "/",
            "found": "/?q=周会",
            "with a tag": "/?tag=预算",
            "nothing found": "/?q=无",
        }
        yield made
        db.dispose()


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with serving(tmp_path_factory.mktemp("empty")) as stack:
        yield Installed(stack, {"empty list": "/"})


@pytest.fixture(scope="module")
def new_team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    with serving(tmp_path_factory.mktemp("new-team"), LONGSCRIBE_SIGN_IN="required") as stack:
        yield Installed(stack, {"set-up": "/"})


@pytest.fixture(scope="module")
def team(
    tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> Iterator[tuple[Installed, Installed]]:
    """A server with sign-in, seen without an account and as its administrator."""
    with serving(tmp_path_factory.mktemp("team"), LONGSCRIBE_SIGN_IN="required") as stack:
        db = Database(stack.database_url)
        anna = an_admin(db)
        a_person(db)
        group = accounts.add_group(db, "会议 group")
        for name in ("Anna", "Bo"):
            accounts.add_member(db, group.id, name)
        lists.add(db, EVERYBODY, wrong="阿皮艾", right="API")
        for keeper in (group.id, anna.id):
            save_search(db, owner_id=keeper, name="预算", conditions=ListConditions(query="预算"))
            keep_template(db, owner_id=keeper, name="董事会", content=b"{{title}}")
        db.dispose()
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        page.goto(stack.url)
        page.get_by_label("Name").fill("Anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{stack.url}/")  # the cookie is there; headings are everywhere
        signed_in = context.storage_state()
        context.close()
        yield (
            Installed(stack, {"sign-in": "/"}),
            Installed(
                stack,
                {
                    "own list": "/",
                    "account": "/account",
                    "password": "/account/password",
                    "people": "/people",
                    "server": "/server",
                    "audit log": "/audit",
                    "own data": "/account/data",
                    "groups": "/people/groups",
                    "words of a team": "/words",
                    "templates of a team": "/report-template",
                    "words of a group": f"/words/groups/{group.id}",
                },
                signed_in,
            ),
        )


@dataclass
class Watched:
    """A page and its problems."""

    page: Page
    origin: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("response", self._answered)

    def _said(self, line: object) -> None:
        kind, text = line.type, line.text  # type: ignore[attr-defined]
        if kind in ("error", "warning") and "404 (NOT FOUND)" not in text:
            self.complaints.append(text)

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and not request.url.startswith(self.origin):
            self.complaints.append(f"asked {request.url}")

    def _answered(self, response: Response) -> None:
        policy = response.headers.get("content-security-policy", "")
        strict = ("default-src 'self'", "default-src 'none'")
        if not policy.startswith(strict) or "unsafe" in policy:
            self.complaints.append(f"{response.url} has the policy '{policy}'")


@LOOKS_OF_LOCALES
def test_every_page_is_accessible_and_keeps_to_itself(
    installed: Installed,
    empty: Installed,
    new_team: Installed,
    team: tuple[Installed, Installed],
    browser: Browser,
    locale: str,
    looks: Sequence[Look],
) -> None:
    found: dict[str, list[str]] = {}
    for site in (installed, empty, new_team, *team):
        context = new_context(browser, locale, looks[0], height=900, storage_state=site.signed_in)
        # Half a second of silence makes a page idle, so they are silent together.
        opened = {name: Watched(context.new_page(), site.stack.url) for name in site.paths}
        for name, path in site.paths.items():
            opened[name].page.goto(f"{site.stack.url}{path}")
        for name, watched in opened.items():
            watched.page.wait_for_load_state("networkidle")
            watched.page.bring_to_front()
            watched.page.evaluate(OPEN_ALL)
            for (theme, width), problems in examined(watched.page, looks):
                found[f"{name}, {theme}, {width}"] = problems
            found[name] = watched.complaints
        context.close()
    assert {name: problems for name, problems in found.items() if problems} == {}


@pytest.mark.chromium("the bytes that came are counted over Chromium's own protocol")
@pytest.mark.parametrize("name", ["list", "completed", "with its recording"])
def test_a_first_visit_is_light(installed: Installed, browser: Browser, name: str) -> None:
    context = browser.new_context(locale="zh-CN")
    page = context.new_page()
    network = context.new_cdp_session(page)
    network.send("Network.enable")
    transferred: list[float] = []
    network.on(
        "Network.loadingFinished", lambda event: transferred.append(event["encodedDataLength"])
    )
    page.goto(f"{installed.stack.url}{installed.paths[name]}")
    page.wait_for_load_state("networkidle")
    context.close()
    assert len(transferred) > 3
    assert sum(transferred) < MOST_BYTES


def test_the_check_finds_what_is_wrong(empty: Installed, browser: Browser) -> None:
    context = browser.new_context(locale="en-GB", viewport={"width": 390, "height": 900})
    page = context.new_page()
    page.goto(f"{empty.stack.url}/")
    page.evaluate(
        """() => {
          const pale = document.createElement("p");
          pale.className = "pale";
          pale.textContent = "Can you read this?";
          pale.style.color = "#cccccc";
          pale.style.width = "2000px";
          document.querySelector("main").append(pale);
        }"""
    )
    found = "\n".join(problems_of(page, 390))
    context.close()
    assert "color-contrast" in found
    assert "inline: <p" in found
    assert "wider than the window" in found
