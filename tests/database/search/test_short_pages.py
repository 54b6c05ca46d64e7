"""What a page of a search looks at is bounded, and nothing is left out for it, on both databases.

The words here are in hardly any text, while both of their pairs of characters are in every one, so
that the index names every job and each has to be compared.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from sqlalchemy import ColumnElement

from shared import jobs
from shared.annotations.details import change_details
from shared.annotations.labels import keys_of
from shared.db import Database
from shared.errors import InvalidRequest
from shared.jobs import JobPage, WholeList
from shared.search import entries, hits
from shared.states import JobStatus
from tests.support import factories

MOST = 7
JOBS = 24
QUERY = "预算表"


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts each step compares, with bounds that few jobs reach."""
    counts: list[int] = []

    def one_of(session: Any, column: Any, numbers: Collection[int]) -> ColumnElement[bool]:
        counts.append(len(numbers))
        return original(session, column, numbers)

    original = hits.one_of
    monkeypatch.setattr(hits, "one_of", one_of)
    monkeypatch.setattr(hits, "_FEW", 0)
    monkeypatch.setattr(hits, "_FIRST_STEP", 2)
    monkeypatch.setattr(hits, "_LONGEST_STEP", 3)
    monkeypatch.setattr(hits, "_MOST_COMPARED", MOST)
    monkeypatch.setattr("shared.search.index._BLOCK_BITS", 4)
    return counts


@pytest.fixture
def ids(db: Database) -> list[str]:
    """Jobs of one owner, the oldest first; the fourth has the word, and others' are in between."""
    made = []
    for n in range(JOBS):
        words = "预算表" if n == 3 else "预算 算表"
        made.append(factories.submit(db, owner_id="a", filename=f"{n} {words}.wav"))
        if n % 3 == 0:
            factories.submit(db, owner_id="b", filename=f"{QUERY}.wav")
    return made


def index_all(db: Database) -> None:
    while entries.catch_up(db, within_s=1):
        pass


def pages(db: Database, **asked: Any) -> list[JobPage]:
    """Every page of a search of the owner, in order."""
    found: list[JobPage] = []
    cursor = None
    while True:
        page = jobs.list_jobs(db, owner_id="a", query=QUERY, cursor=cursor, **asked)
        found.append(page)
        if (cursor := page.next_cursor) is None:
            return found


def shown(found: list[JobPage]) -> list[str]:
    return [view.job.id for page in found for view in page.jobs]


@pytest.mark.parametrize(("indexed", "counted"), [(True, True), (True, False), (False, False)])
def test_a_page_ends_where_much_was_compared_and_the_next_one_goes_on(
    db: Database, ids: list[str], compared: list[int], indexed: bool, counted: bool
) -> None:
    if indexed:
        index_all(db)
    first = jobs.list_jobs(db, owner_id="a", query=QUERY, counted=counted)
    # The last step may go over what is allowed, by less than its length.
    assert MOST <= sum(compared) < (1 + counted) * (MOST + 3)
    assert (first.jobs, first.all_counted) == ([], False)
    compared.clear()
    found = pages(db, counted=counted)
    assert shown(found) == [ids[3]]
    assert len(found) >= 3
    for page in found[:-1]:
        assert page.searched_to is not None and page.next_cursor is not None
    back = [page.searched_to for page in found[:-1] if page.searched_to is not None]
    assert back == sorted(back, reverse=True)
    assert found[-1].searched_to is None


def test_a_page_ends_where_the_index_was_asked_about_many(
    db: Database, ids: list[str], compared: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    index_all(db)
    monkeypatch.setattr(hits, "_MOST_COMPARED", 10**6)
    assert len(pages(db, counted=False)) == 1
    monkeypatch.setattr(hits, "_MOST_PASSED", 16)
    found = pages(db, counted=False)
    assert shown(found) == [ids[3]]
    assert len(found) == 2


def test_states_and_tags_bound_it_no_less(
    db: Database, ids: list[str], compared: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.cancel_all(db, owner_id="a", job_ids=ids[:20])
    for job_id in ids:
        whose = {"owner_id": "a", "editor_id": "a", "job_id": job_id}
        change_details(db, **whose, changes={"tags": ["t"]})
    index_all(db)
    # More have the tag than are counted, so that they may not be compared all at once.
    monkeypatch.setattr("shared.jobs.queries.listing.MOST_COUNTED", 5)
    for asked in (
        {"statuses": [JobStatus.CANCELLED]},
        {"labels": keys_of(tag="t")},
        {"statuses": [JobStatus.CANCELLED], "labels": keys_of(tag="t")},
    ):
        compared.clear()
        assert shown(pages(db, counted=False, **asked)) == [ids[3]]
        compared.clear()
        page = jobs.list_jobs(db, owner_id="a", query=QUERY, counted=False, **asked)
        assert sum(compared) < MOST + 3
        assert page.next_cursor is not None


def test_a_whole_list_is_gone_through_in_bounded_steps(
    db: Database, ids: list[str], compared: list[int]
) -> None:
    index_all(db)
    told = jobs.take_whole_list(db, owner_id="a", query=QUERY)
    assert not told.all_counted
    whole = WholeList("a", newest=told.newest, until=told.until, query=QUERY)
    found, cursor, steps = [], None, 0
    while True:
        compared.clear()
        some, cursor = jobs.some_of_whole_list(
            db, whole, statuses=jobs.DELETABLE, cursor=cursor, most=2
        )
        assert sum(compared) < MOST + 3
        jobs.delete_all(db, factories.NotedDeletions(), owner_id="a", job_ids=some)
        found += some
        steps += 1
        if cursor is None:
            break
    assert (found, steps > 3) == ([ids[3]], True)


def test_a_place_that_nothing_is_known_of_is_refused(
    db: Database, ids: list[str], compared: list[int]
) -> None:
    index_all(db)
    place = jobs.list_jobs(db, owner_id="a", query=QUERY).next_cursor
    assert place is not None
    with pytest.raises(InvalidRequest, match="of a search"):
        jobs.list_jobs(db, owner_id="a", cursor=place)
    entries.rebuild(db)  # gives every job another number
    with pytest.raises(InvalidRequest, match="from the beginning"):
        jobs.list_jobs(db, owner_id="a", query=QUERY, cursor=place)


def test_nothing_is_told_of_when_others_submitted(
    db: Database, ids: list[str], compared: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(20):
        factories.submit(db, owner_id="b", filename=f"{QUERY}.wav")
    index_all(db)
    monkeypatch.setattr(hits, "_MOST_PASSED", 3)
    own = {view.job.created_at for view in jobs.list_jobs(db, owner_id="a", limit=JOBS).jobs}
    found = pages(db, counted=False)
    assert shown(found) == [ids[3]]
    assert {page.searched_to for page in found[:-1] if not page.jobs} <= own
