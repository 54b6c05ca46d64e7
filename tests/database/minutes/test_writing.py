"""Minutes written through a real connection into a real database, whatever the model answers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from shared.db import Database, database_now
from shared.minutes import requests
from shared.minutes.contents import SECTIONS, Minutes, Point
from shared.minutes.cutting import transcript_digest
from shared.minutes.prompts import prompts_of_request
from shared.models import LOCAL_OWNER, MinutesRequest
from shared.settings import Settings
from shared.states import EventKind, MinutesStatus
from shared.transcripts.corrections import correct
from shared.transcripts.values import Sentence, Transcript
from tests.support import factories
from tests.support.doubles.language_model import (
    Answer,
    Handler,
    LanguageModel,
    flood,
    language_model,
    minutes_of,
    page,
    refusing,
    saying,
    stall,
    summarise,
)
from worker.minutes.process import MinutesProcess

LONG = Transcript(
    duration=3000.0,
    language="zh",
    model="demo",
    sentences=tuple(
        Sentence(
            10.0 * n, 10.0 * n + 9, f"第{n}句，我们讨论了发布的安排和预算。" * 3, speaker="张三"
        )
        for n in range(60)
    ),
)
"""Transcript of some six parts of a window of 2,048 tokens."""


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """SQLite: what is asked of a database is tested on both kinds in test_requests.py."""
    return str(request.getfixturevalue("sqlite_url"))


@pytest.fixture
def model() -> Iterator[LanguageModel]:
    with language_model() as running:
        yield running


def process(model: LanguageModel, db_url: str, folder: Path, **values: Any) -> MinutesProcess:
    return MinutesProcess(
        Settings(
            **{
                "data_dir": folder,
                "database_url": db_url,
                "redis_url": f"redis+socket://{folder / 'nobody.sock'}",
                "minutes_url": model.url,
                "minutes_model": "small",
                "minutes_window_tokens": 2048,
                "heartbeat_s": 0.05,
                **values,
            }
        )
    )


@pytest.fixture
def work(
    model: LanguageModel, db: Database, database_url: str, tmp_path: Path
) -> Iterator[Callable[[], bool]]:
    """Work on the next request to its end."""
    made = process(model, database_url, tmp_path)
    yield made.work_once
    made._db.dispose()


def asked(db: Database, transcript: Transcript = factories.TRANSCRIPT) -> str:
    job_id = factories.submit(db)
    factories.complete(db, factories.claim(db), transcript)
    prompts = prompts_of_request("zh", {})
    requests.ask(db, owner_id=LOCAL_OWNER, job_id=job_id, language="zh", prompts=prompts)
    return job_id


def get(db: Database, job_id: str) -> requests.MinutesRecord:
    return requests.get(db, owner_id=LOCAL_OWNER, job_id=job_id)


def make_due(db: Database) -> None:
    with db.writing() as session:
        session.execute(update(MinutesRequest).values(available_at=database_now(-1)))


def test_a_short_transcript_is_one_question(
    model: LanguageModel, db: Database, work: Callable[[], bool]
) -> None:
    job_id = asked(db)
    assert work() and not work()
    found = get(db, job_id)
    assert found.current == Minutes(
        summary=(Point("要点：大家好。", (0,)),),
        todos=(Point("大家好。", (1,)),),
        chapters=(Point("议题0", (0,)),),
    )
    assert found.transcript_digest == transcript_digest(factories.TRANSCRIPT)
    assert (found.answers_done, found.answers_planned, len(model.questions)) == (1, 1, 1)


def test_a_long_one_is_cut_and_merged_within_the_window(
    model: LanguageModel, db: Database, work: Callable[[], bool]
) -> None:
    job_id = asked(db, LONG)
    work()
    found = get(db, job_id)
    assert found.status is MinutesStatus.COMPLETED and found.current is not None
    parts = [q for q in model.questions if "<transcript>" in q["messages"][-1]["content"]]
    assert len(parts) > 3 and len(model.questions) > len(parts)
    assert found.current.chapters == tuple(
        Point(f"议题{n}", (n,)) for n in sorted(p.sentences[0] for p in found.current.chapters)
    )
    assert len(found.current.chapters) == len(parts)
    assert found.answers_done == found.answers_planned == len(model.questions)
    for question in model.questions:
        said = sum(len(message["content"]) for message in question["messages"])
        assert question["max_tokens"] + said <= 2048  # at a token a character


def test_an_attempt_goes_on_where_the_one_before_failed(
    model: LanguageModel, db: Database, work: Callable[[], bool]
) -> None:
    job_id = asked(db, LONG)
    model.script[:] = [summarise, summarise, refusing(429, "slow down", Retry_After="30")]
    work()
    found = get(db, job_id)
    assert (found.status, found.error_code) == ("queued", "minutes_server_busy")
    assert found.answers_done == 2
    assert found.events[-1].kind is EventKind.RETRYING
    assert found.events[-1].detail["delay_s"] == 30
    before = [question["messages"] for question in model.questions[:2]]
    model.questions.clear()
    assert not work()
    make_due(db)
    work()
    assert get(db, job_id).status is MinutesStatus.COMPLETED
    assert not [q for q in model.questions if q["messages"] in before]


def test_a_part_that_is_too_long_for_the_server_is_halved(
    model: LanguageModel, db: Database, work: Callable[[], bool]
) -> None:
    too_long = refusing(400, "maximum context length is 512 tokens")
    job_id = asked(db, LONG)
    model.script[:] = [too_long, too_long, summarise]
    work()
    found = get(db, job_id)
    assert found.status is MinutesStatus.COMPLETED
    assert found.current is not None and found.current.chapters[0].sentences == (0,)


def _inventing(handler: Handler, body: dict[str, Any]) -> None:
    lies = minutes_of(body)
    lies["summary"].append({"text": "裁员500人", "sentences": [777, 778]})
    lies["decisions"].append({"text": "预算 99 万，<b>王五</b>", "sentences": [0]})
    lies["todos"].append({"text": "写", "owner": "赵六", "due": "", "sentences": [0, 99]})
    lies["chapters"].append({"text": "不存在", "sentences": [500]})
    handler.say(lies)


def test_invented_sentences_names_and_numbers_are_found_out(
    model: LanguageModel, db: Database, work: Callable[[], bool]
) -> None:
    job_id = asked(db)
    model.script[:] = [_inventing]
    work()
    found = get(db, job_id).current
    assert found is not None
    assert found.summary[-1] == Point("裁员500人", ())
    assert found.decisions == (Point("预算 99 万，<b>王五</b>", (0,), unverified=("99",)),)
    assert Point("写", (0,), owner="赵六", unverified=("赵六",)) in found.todos
    assert [chapter.text for chapter in found.chapters] == ["议题0"]


@pytest.mark.parametrize(
    "lie",
    [
        saying("Sorry, I cannot."),
        saying({"answer": 42}),
        saying('{"summary": [{"text": "cut', finish="length"),
        saying(""),
    ],
)
def test_an_answer_that_is_none_is_asked_for_once_more(
    model: LanguageModel, db: Database, work: Callable[[], bool], lie: Answer
) -> None:
    mended, hopeless = asked(db), asked(db)
    model.script[:] = [lie, summarise, lie, lie]
    work()
    work()
    assert get(db, mended).status is MinutesStatus.COMPLETED
    repair = model.questions[1]["messages"]
    assert repair[:2] == model.questions[0]["messages"] and len(repair) == 4
    found = get(db, hopeless)
    assert (found.status, found.error_code) == ("failed", "minutes_answer_unusable")
    assert len(model.questions) == 4
    requests.retry(db, owner_id=LOCAL_OWNER, job_id=hopeless)
    work()
    assert get(db, hopeless).status is MinutesStatus.COMPLETED


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (refusing(401), "minutes_server_refused"),
        (page, "minutes_no_model_server"),
        (flood, "minutes_answer_too_large"),
        (refusing(400, "prompt is too long"), "minutes_context_too_long"),
    ],
)
def test_what_another_try_would_meet_again_fails_at_once(
    model: LanguageModel, db: Database, work: Callable[[], bool], answer: Answer, code: str
) -> None:
    job_id = asked(db)
    model.script[:] = [answer] * 3
    work()
    found = get(db, job_id)
    assert (found.status, found.error_code) == ("failed", code)


def test_a_prompt_larger_than_the_window_fails(
    model: LanguageModel, db: Database, work: Callable[[], bool]
) -> None:
    job_id = asked(db)
    with db.writing() as session:
        prompts = prompts_of_request("zh", {"part": "长" * 3000 + "{{transcript}}"})
        session.execute(update(MinutesRequest).values(prompts=prompts))
    work()
    assert get(db, job_id).error_code == "minutes_window_too_small"
    assert model.questions == []


@pytest.mark.parametrize("how", ["cancelled", "deleted"])
def test_who_does_not_want_them_any_more_ends_the_question(
    model: LanguageModel, db: Database, work: Callable[[], bool], how: str
) -> None:
    job_id = asked(db)
    model.script[:] = [stall]
    working = threading.Thread(target=work)
    working.start()
    assert model.asked.wait(60)
    act = requests.cancel if how == "cancelled" else requests.delete
    act(db, owner_id=LOCAL_OWNER, job_id=job_id)
    assert model.hung_up.wait(60), "the model goes on"
    working.join(60)
    assert not working.is_alive()
    if how == "cancelled":
        assert get(db, job_id).status is MinutesStatus.CANCELLED


def test_a_stop_gives_the_request_back(
    model: LanguageModel, db: Database, database_url: str, tmp_path: Path
) -> None:
    job_id = asked(db)
    model.script[:] = [stall]
    stopped = process(model, database_url, tmp_path)
    running = threading.Thread(target=stopped.run)
    running.start()
    assert model.asked.wait(60)
    stopped.stop()
    running.join(60)
    assert not running.is_alive()
    assert get(db, job_id).status is MinutesStatus.QUEUED
    assert [event.kind for event in get(db, job_id).events][-1] is EventKind.RELEASED


def test_a_correction_is_read_and_a_later_one_is_told(
    db: Database, work: Callable[[], bool]
) -> None:
    job_id = asked(db)
    correct(db, owner_id=LOCAL_OWNER, job_id=job_id, n=0, text="各位好。", revision=0)
    work()
    found = get(db, job_id)
    assert found.current is not None and found.current.summary[0].text == "要点：各位好。"
    assert found.transcript_digest != transcript_digest(factories.TRANSCRIPT)


def test_a_transcript_without_a_word_has_no_minutes_and_asks_nothing(
    model: LanguageModel, db: Database, work: Callable[[], bool]
) -> None:
    job_id = asked(db, Transcript(duration=5.0, language="zh", model="demo"))
    work()
    assert get(db, job_id).current == Minutes() and model.questions == []
    assert set(Minutes().to_json()) == set(SECTIONS)
