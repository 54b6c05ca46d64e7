"""The search index finds what a comparison of all texts finds, whatever happens to jobs, on both
databases."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import delete, text, update

from shared import jobs
from shared.accounts.handing_over.ownership import move_everything
from shared.db import Database
from shared.errors import UnsupportedMedia
from shared.models import LOCAL_OWNER, Recording, SearchEntry, SearchText
from shared.search import entries, hits
from shared.search.hits import HitPage, Search, find_page, texts_compared
from shared.search.index import index_of
from shared.search.matching import terms_of
from shared.states import JobStatus
from shared.text_folding import fold
from tests.support import factories
from tests.support.doubles.memory_store import MemoryStore

OWNERS = ("a", "b")
COMMON = "的是我们在说今天预算会议显卡。，"
LATIN = ("gpu", "GPU", "the", "Budget", "api", "e", "5%", "don't", "ＧＰＵ", "Ü", "繁體", "繁体")


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make few of what are many in life."""
    monkeypatch.setattr(hits, "_FIRST_STEP", 2)
    monkeypatch.setattr(hits, "_LONGEST_STEP", 5)
    monkeypatch.setattr(hits, "_MOST_COMPARED", 7)
    monkeypatch.setattr(hits, "MOST_COUNTED", 6)
    monkeypatch.setattr("shared.search.index._BLOCK_BITS", 4)


def said(chance: random.Random) -> str:
    pieces = []
    for _ in range(chance.randint(1, 6)):
        if chance.random() < 0.3:
            pieces.append(chance.choice(LATIN) + chance.choice(("", " ")))
        else:
            pieces.append("".join(chance.choices(COMMON, k=chance.randint(1, 5))))
    return "".join(pieces)


def queries(chance: random.Random, texts: list[str]) -> list[str]:
    """Pieces of the texts, one to three at once and of one character and more, and words that none
    has."""
    asked = ["预", "e", "%", "gpu", "的是", "今天预算", "不存在", "zzz", "繁體", "gp", "5%"]
    for _ in range(30):
        pieces = []
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            whole = chance.choice(texts)
            start = chance.randrange(len(whole))
            pieces.append(whole[start : start + chance.choice((1, 2, 3, 4, 9))])
        asked.append(" ".join(pieces))
    return [query for query in asked if terms_of(query)]


def write(db: Database, job_id: str, lines: str) -> None:
    """Store a text as `store_text` does, or put it in the place of another."""
    with db.writing() as session:
        session.execute(delete(SearchText).where(SearchText.job_id == job_id))
        session.add(SearchText(job_id=job_id, folded=fold(lines), text=lines))


def catch_up(db: Database) -> None:
    while entries.catch_up(db, within_s=1):
        pass


def compared(db: Database, owner_id: str, query: str) -> list[tuple[str, JobStatus]]:
    """What has the words, newest first, by one statement that reads every text."""
    with db.reading() as session:
        rows = session.execute(texts_compared(Search(owner_id, terms_of(query), {}), ()))
        return [(row.id, JobStatus(row.status)) for row in rows]


def page(db: Database, owner_id: str, query: str, **asked: object) -> HitPage:
    """A page by the index, as of an owner of very many jobs."""
    search = Search(owner_id, terms_of(query), dict.fromkeys(JobStatus, 10**6))
    with db.reading() as session:
        return find_page(session, search, **{"limit": 50, **asked})  # type: ignore[arg-type]


def walked(db: Database, owner_id: str, query: str, **asked: object) -> list[str]:
    """What has the words by the index, page after page."""
    found: list[str] = []
    cursor = None
    while True:
        some = page(db, owner_id, query, cursor=cursor, **asked)
        found += some.job_ids
        if (cursor := some.next_cursor) is None:
            return found


@pytest.mark.usefixtures("small_steps")
def test_the_index_finds_what_a_comparison_of_all_texts_finds(db: Database) -> None:
    chance = random.Random(2)
    texts, ids = [], []
    for n in range(60):
        texts.append(said(chance))
        ids.append(factories.submit(db, owner_id=chance.choice(OWNERS), filename=texts[-1]))
        if chance.random() < 0.8:
            texts.append("\n".join(said(chance) for _ in range(chance.randint(1, 8))))
            write(db, ids[-1], texts[-1])
        if n in (20, 45):
            catch_up(db)
    for job_id in ids[3:40:6]:
        write(db, job_id, chance.choice(texts))
    for owner_id in OWNERS:
        jobs.delete_all(db, factories.NotedDeletions(), owner_id=owner_id, job_ids=ids[::9])
        jobs.cancel_all(db, owner_id=owner_id, job_ids=ids[::4])
    asked = queries(chance, texts)
    for _ in range(2):
        for query in asked:
            owner_id = chance.choice(OWNERS)
            states = chance.choice(([], [], [JobStatus.CANCELLED], [JobStatus.QUEUED]))
            wanted = [
                job_id
                for job_id, status in compared(db, owner_id, query)
                if not states or status in states
            ]
            limit = chance.choice((1, 3, 50))
            assert walked(db, owner_id, query, statuses=states, limit=limit) == wanted, query
        catch_up(db)
    assert entries.state(db).behind == entries.state(db).wrong == 0


@pytest.mark.usefixtures("small_steps")
def test_words_in_most_jobs_and_in_few_of_the_states_asked_for_are_found(db: Database) -> None:
    ids = [factories.submit(db, owner_id="a", filename="周会.wav") for _ in range(30)]
    jobs.cancel_all(db, owner_id="a", job_ids=ids[:3])
    catch_up(db)
    search = Search("a", terms_of("周会"), {JobStatus.QUEUED: 10**6, JobStatus.CANCELLED: 300})
    for fewer in (search, Search("a", search.terms, {**search.jobs, JobStatus.CANCELLED: 3})):
        found, cursor = [], None
        while True:
            with db.reading() as session:
                some = find_page(
                    session, fewer, statuses=[JobStatus.CANCELLED], limit=50, cursor=cursor
                )
            found += some.job_ids
            if (cursor := some.next_cursor) is None:
                break
        assert found == ids[2::-1]


@pytest.mark.usefixtures("small_steps")
def test_hits_are_counted_up_to_a_number_and_then_said_to_be_more(db: Database) -> None:
    ids = [factories.submit(db, owner_id="a", filename=f"{n}.wav") for n in range(9)]
    catch_up(db)
    few, many = page(db, "a", "7.wav"), page(db, "a", "wav", limit=2)
    assert (few.counts[JobStatus.QUEUED], few.all_counted) == (1, True)
    assert (many.counts[JobStatus.QUEUED], many.all_counted) == (6, False)
    assert (many.job_ids, many.next_cursor) == (ids[:6:-1], ids[7])


def test_a_page_goes_on_after_a_job_that_was_deleted_meanwhile(db: Database) -> None:
    ids = [factories.submit(db, owner_id="a", filename=f"{n}.wav") for n in range(4)]
    first = page(db, "a", "wav", limit=2)
    jobs.delete(db, factories.NotedDeletions(), owner_id="a", job_id=ids[2])
    assert page(db, "a", "wav", limit=2, cursor=first.next_cursor).job_ids == ids[1::-1]


def test_what_is_given_to_another_owner_is_found_by_that_one(db: Database) -> None:
    job_id = factories.submit(db, owner_id="a", filename="周会.wav")
    catch_up(db)
    with db.writing() as session:
        move_everything(session, "a", "b")
    for _ in range(2):
        assert (page(db, "a", "周会").job_ids, page(db, "b", "周会").job_ids) == ([], [job_id])
        catch_up(db)


def test_a_deleted_job_leaves_nothing_in_the_index(db: Database) -> None:
    job_id = factories.submit(db, owner_id="a", filename="周会.wav")
    catch_up(db)
    with db.writing() as session:
        grams = entries.grams_of(["周会"])
        assert index_of(session).candidates(session, grams, below=99, most=9) == [1]
    jobs.delete(db, factories.NotedDeletions(), owner_id="a", job_id=job_id)
    with db.reading() as session:
        assert index_of(session).candidates(session, grams, below=99, most=9) == []


def test_a_check_tells_what_the_index_lacks_and_a_rebuild_brings_it(db: Database) -> None:
    ids = [factories.submit(db, owner_id="a", filename=f"{n}.wav") for n in range(3)]
    assert entries.state(db).behind == 3
    catch_up(db)
    assert (entries.state(db).jobs, entries.state(db).behind) == (3, 0)
    with db.writing() as session:
        index_of(session).clear(session)
    assert entries.state(db).wrong == 3
    with db.writing() as session:
        session.execute(delete(SearchEntry).where(SearchEntry.job_id == ids[1]))
    assert entries.state(db).missing == 1
    entries.rebuild(db)
    assert walked(db, "a", "wav") == ids[::-1]
    catch_up(db)
    found = entries.state(db)
    assert (found.jobs, found.behind, found.missing, found.wrong) == (3, 0, 0, 0)
    assert walked(db, "a", "wav") == ids[::-1]


def test_a_version_that_knows_no_index_puts_its_jobs_behind(db: Database) -> None:
    job_id = factories.submit(db, owner_id="a", filename="x.wav")
    catch_up(db)
    for statement in (
        "INSERT INTO search_texts (job_id, folded, text) SELECT id, '预算', '预算' FROM jobs",
        "UPDATE search_texts SET folded = '议程'",
        "UPDATE recordings SET folded_name = '周会'",
        "UPDATE recordings SET filename = 'Y.wav', folded_name = NULL",
    ):
        with db.writing() as session:
            session.execute(text(statement))
        assert entries.state(db).behind == 1
        catch_up(db)
    assert page(db, "a", "议程 y.w").job_ids == [job_id]
    assert page(db, "a", "预算").job_ids == page(db, "a", "周会").job_ids == []
    with db.writing() as session:
        session.execute(update(Recording).values(size_bytes=2))
    assert entries.state(db).behind == 0


def test_a_deletion_that_is_refused_leaves_the_index_as_it_was(db: Database) -> None:
    ids = [factories.submit(db, filename=f"{name}.wav") for name in ("预算", "会议", "显卡")]
    catch_up(db)
    running = factories.claim(db)
    blobs = MemoryStore()
    outcomes = jobs.delete_all(db, blobs, owner_id=LOCAL_OWNER, job_ids=ids[:2])
    assert outcomes[running.job_id] is jobs.Outcome.REFUSED
    assert entries.state(db).wrong == 0
    jobs.fail(db, running, UnsupportedMedia())
    jobs.delete_all(db, blobs, owner_id=LOCAL_OWNER, job_ids=ids)
    state = entries.state(db)
    assert (state.jobs, state.missing, state.wrong) == (0, 0, 0)


def test_a_name_that_cannot_be_read_holds_up_no_other(db: Database) -> None:
    if not db.is_sqlite:
        return  # PostgreSQL refuses to keep it
    bad, sound = (factories.submit(db, filename=f"{name}.wav") for name in ("坏", "预算"))
    with db.writing() as session:
        session.execute(
            text(
                "UPDATE recordings SET filename = CAST(x'ff' AS TEXT), folded_name = NULL "
                "WHERE id = (SELECT recording_id FROM jobs WHERE id = :id)"
            ),
            {"id": bad},
        )
    catch_up(db)
    assert entries.state(db).behind == 0
    assert [hit for hit, _ in compared(db, LOCAL_OWNER, "预算")] == [sound]
    jobs.delete(db, MemoryStore(), owner_id=LOCAL_OWNER, job_id=bad)
    assert entries.state(db).jobs == 1
