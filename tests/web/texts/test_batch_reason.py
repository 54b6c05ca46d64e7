"""Why the batches of a job have their size, in English and in Chinese."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from shared.jobs import RecognitionStats
from shared.states import BatchLimit
from tests.support.web.web_app import make_app
from web.api.jobs.batch_reason import batch_reason

FIGURES: dict[str, Any] = {
    "batch_size_s": 412.0,
    "limited_by": BatchLimit.MEMORY,
    "stored_reason": None,
    "length_ceiling_s": 600.0,
    "sized_for_s": 41 * 60.0,
    "memory_cap_s": 412.9,
    "headroom_bytes": 422_900_000,
    "jobs_at_once": 1,
    "memory_is_measured": False,
    "learned_ceiling_s": None,
    "device": "cpu",
    "dtype": "float32",
    "batches": 0,
    "speech_s": None,
    "padded_s": None,
    "largest_batch_s": None,
    "recognition_s": None,
    "cpu_s": None,
    "peak_bytes": None,
    "predicted_peak_bytes": None,
    "oom_retries": 0,
}

SENTENCES: list[tuple[dict[str, Any], str, str]] = [
    (
        {},
        "a 41-minute recording allows 600 s; 0.4 GB free memory allows 412 s",
        "41 分钟的录音可用 600 秒；空闲内存 0.4 GB 可用 412 秒",
    ),
    (
        {"limited_by": BatchLimit.LENGTH, "memory_cap_s": 9_000.0, "memory_is_measured": True},
        "a 41-minute recording allows 600 s; 0.4 GB free memory allows 9,000 s as measured",
        "41 分钟的录音可用 600 秒；空闲内存 0.4 GB 可用 9,000 秒（实测）",
    ),
    (
        {"jobs_at_once": 2},
        "a 41-minute recording allows 600 s; "
        "0.4 GB free memory for each of 2 jobs at once allows 412 s",
        "41 分钟的录音可用 600 秒；同时运行 2 个任务，每个任务的空闲内存 0.4 GB 可用 412 秒",
    ),
    (
        {"sized_for_s": None, "length_ceiling_s": 1_000.0, "limited_by": BatchLimit.SETTING},
        "LONGSCRIBE_BATCH_SIZE_S asks for 1000 s; 0.4 GB free memory allows 412 s",
        "LONGSCRIBE_BATCH_SIZE_S 要求 1000 秒；空闲内存 0.4 GB 可用 412 秒",
    ),
    (
        {
            "limited_by": BatchLimit.DEVICE,
            "length_ceiling_s": 1_200.0,
            "memory_cap_s": 70_000.0,
            "memory_is_measured": True,
            "headroom_bytes": 70_000_000_000,
        },
        "more than 1200 s would gain this device little; "
        "70.0 GB free memory allows 70,000 s as measured",
        "超过 1200 秒对此设备几乎没有好处；空闲内存 70.0 GB 可用 70,000 秒（实测）",
    ),
    (
        {"limited_by": BatchLimit.LEARNED, "learned_ceiling_s": 150.0},
        "a 41-minute recording allows 600 s; 0.4 GB free memory allows 412 s; "
        "150 s since a larger batch ran out of memory",
        "41 分钟的录音可用 600 秒；空闲内存 0.4 GB 可用 412 秒；更大的批次曾耗尽内存，故为 150 秒",
    ),
    (
        {"learned_ceiling_s": 500.0},  # it did not limit anything
        "a 41-minute recording allows 600 s; 0.4 GB free memory allows 412 s",
        "41 分钟的录音可用 600 秒；空闲内存 0.4 GB 可用 412 秒",
    ),
    (
        {"memory_cap_s": 0.2, "memory_is_measured": True, "headroom_bytes": 10_000_000},
        "a 41-minute recording allows 600 s; 0.0 GB free memory leaves nothing after the reserve, "
        "so segments go one by one",
        "41 分钟的录音可用 600 秒；空闲内存 0.0 GB 扣除预留后已无余量，因此逐段识别",
    ),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("web")
    return make_app(f"sqlite:///{folder}/unused.sqlite3", folder)


def said(app: Flask, language: str, **values: Any) -> str | None:
    with app.test_request_context("/", headers={"Accept-Language": language}):
        return batch_reason(RecognitionStats(**(FIGURES | values)))


@pytest.mark.parametrize(("values", "english", "chinese"), SENTENCES)
def test_the_limits_are_said_with_their_numbers(
    app: Flask, values: dict[str, Any], english: str, chinese: str
) -> None:
    assert said(app, "en", **values) == english
    assert said(app, "zh", **values) == chinese


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.2, "a 1-second", "1 秒"),
        (59.4, "a 59-second", "59 秒"),
        (480, "an 8-minute", "8 分钟"),
        (5_000, "an 83-minute", "83 分钟"),
        (5_640, "a 94-minute", "94 分钟"),
        (9_000, "a 2.5-hour", "2.5 小时"),
        (29_000, "an 8.1-hour", "8.1 小时"),
        (40_000, "an 11.1-hour", "11.1 小时"),
    ],
)
def test_a_recording_is_named_by_its_length(
    app: Flask, seconds: float, english: str, chinese: str
) -> None:
    assert (said(app, "en", sized_for_s=seconds) or "").startswith(f"{english} recording allows")
    assert (said(app, "zh", sized_for_s=seconds) or "").startswith(f"{chinese}的录音可用")


def test_the_sentence_of_an_older_version_is_for_readers_of_english(app: Flask) -> None:
    old = {"limited_by": None, "stored_reason": "because"}
    assert said(app, "en", **old) == "because"
    assert said(app, "zh", **old) is None
