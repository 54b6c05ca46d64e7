"""The pictures of the README: `python -m tests.e2e.screenshots`, in both languages.

The transcript is the bundled model's of the sample meeting; the other jobs are brought to their
states by the transitions that bring them there in life.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

import migrations
from shared import jobs
from shared.errors import UnsupportedMedia
from shared.models import LOCAL_OWNER
from shared.states import BatchLimit, JobStatus, Stage
from tests.support import factories
from tests.support.browsers.chromium import CHROMIUM, FLAGS
from tests.support.stack import Stack, running
from tests.support.stack_without_http import Installation

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
SAMPLE = ROOT / "worker" / "demo_model" / "sample_meeting.flac"

LOCALES = {"en": "en-GB", "zh": "zh-CN"}
MICROPHONES = {"en": "Conference microphone", "zh": "会议麦克风"}
ONE_MICROPHONE = """
navigator.mediaDevices.enumerateDevices =
  async () => [{ kind: "audioinput", deviceId: "one", label: "%s" }];
"""
"""The browser calls its own by names that nobody's microphone has."""
SEGMENT = "我们 先 过 一下 上周 的 进度 然后 讨论 预算 和 人员 安排"


def other_jobs(installation: Installation) -> None:
    """Create a failed, a running and three waiting jobs."""
    db = installation.db
    factories.submit(db, filename="会议纪要.pdf")
    jobs.fail(db, factories.claim(db), UnsupportedMedia())
    factories.submit(db, filename="季度总结 quarterly review.mp4")
    claim = factories.claim(db, lease_s=3600)
    jobs.note_batch_choice(
        db,
        claim,
        jobs.BatchRecord(
            model="demo",
            device="cpu",
            dtype="float32",
            batch_size_s=412.0,
            limited_by=BatchLimit.MEMORY,
            length_ceiling_s=600.0,
            sized_for_s=94 * 60.0,
            memory_cap_s=412.0,
            headroom_bytes=5_100_000_000,
            jobs_at_once=1,
            memory_is_measured=False,
            learned_ceiling_s=None,
            predicted_peak_bytes=5_900_000_000,
        ),
    )
    plan = [
        jobs.PlannedSegment(start * 16_000, (start + 9) * 16_000, start // 40)
        for start in range(0, 400, 10)
    ]
    jobs.store_plan(db, claim, "plan", plan, complete=True)
    words = [(word, 0.0, 1.0) for word in SEGMENT.split()]
    for batch in range(4):
        recognised = [
            jobs.RecognisedSegment(segment.start_sample, segment.end_sample, batch, words)
            for segment in plan
            if segment.batch == batch
        ]
        usage = jobs.Usage(recognition_s=1.5, cpu_s=3.0, peak_bytes=5_600_000_000)
        jobs.save_batch(db, claim, recognised, progress=0.3 + 0.03 * batch, usage=usage)
    jobs.set_stage(db, claim, Stage.RECOGNISING, progress=0.46, duration_s=5640.0)
    for number in range(1, 4):
        factories.submit_lasting(db, 1800.0 * number, filename=f"用户访谈 {number}.m4a")


def transcript_page(browser: Browser, url: str, job_id: str, language: str) -> None:
    context = browser.new_context(
        locale=LOCALES[language],
        timezone_id="Asia/Shanghai",
        viewport={"width": 1180, "height": 780},
        device_scale_factor=1.5,
    )
    page = context.new_page()
    page.goto(f"{url}/jobs/{job_id}")
    page.locator("#sentences li").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.locator("#sentences li").nth(5).locator("p").click()  # and it is heard
    page.wait_for_timeout(1500)
    page.screenshot(path=IMAGES / f"transcript.{language}.png")
    context.close()


def list_page(browser: Browser, url: str, language: str) -> None:
    context = browser.new_context(
        locale=LOCALES[language],
        timezone_id="Asia/Shanghai",
        viewport={"width": 1180, "height": 900},
        device_scale_factor=1.5,
    )
    context.add_init_script(ONE_MICROPHONE % MICROPHONES[language])
    page = context.new_page()
    page.goto(f"{url}/")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=IMAGES / f"list.{language}.png")
    context.close()


def phone(browser: Browser, url: str, job_id: str, language: str) -> None:
    context = browser.new_context(
        locale=LOCALES[language],
        viewport={"width": 390, "height": 780},
        device_scale_factor=1.5,
        color_scheme="dark",
    )
    page = context.new_page()
    page.goto(f"{url}/jobs/{job_id}")
    page.locator("#sentences li").first.wait_for()
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    page.screenshot(path=IMAGES / f"phone.{language}.png")
    context.close()


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="longscribe-screenshots-"))
    url = f"sqlite:///{folder / 'longscribe.db'}"
    migrations.upgrade(url)
    with running(Stack(folder / "stack", url)) as stack:
        stack.start_redis()
        worker = stack.start_worker()
        stack.start_web()
        installation = Installation(stack)
        done = installation.submit(SAMPLE.read_bytes(), filename="产品周会 product sync.flac")
        assert installation.wait_until_over(done) == JobStatus.COMPLETED
        worker.stop()
        other_jobs(installation)
        factories.a_worker(installation.db)
        assert jobs.list_jobs(installation.db, owner_id=LOCAL_OWNER).jobs
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
            for language in LOCALES:
                list_page(browser, stack.url, language)
                transcript_page(browser, stack.url, done, language)
                phone(browser, stack.url, done, language)
            browser.close()
        installation.db.dispose()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
