"""Finding jobs among an owner's by state, name and what was said, on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, update

from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER, Recording, SearchText
from shared.search import entries, hits
from shared.search.snippets import Snippet
from shared.states import JobStatus
from shared.text_folding import composed, fold
from shared.transcripts import corrections
from shared.transcripts.values import Sentence, Transcript
from tests.support import factories


def said(*sentences: str) -> Transcript:
    """A transcript of these sentences, a second each."""
    return Transcript(
        duration=float(len(sentences)),
        language="zh",
        model="demo",
        sentences=tuple(Sentence(n, n + 0.9, text) for n, text in enumerate(sentences)),
    )


def a_transcript(db: Database, *sentences: str, **values: str) -> str:
    job_id = factories.submit(db, **values)
    factories.complete(db, factories.claim(db), said(*sentences))
    return job_id


def found(db: Database, query: str, *, owner_id: str = LOCAL_OWNER) -> set[str]:
    """What is found by comparing all texts, and the same by the index: by what it has so far, and
    once it has everything."""
    compared = listed(db, query, owner_id)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hits, "_FEW", -1)
        assert listed(db, query, owner_id) == compared
        while entries.catch_up(db, within_s=1):
            pass
        assert listed(db, query, owner_id) == compared
    return compared


def listed(db: Database, query: str, owner_id: str) -> set[str]:
    return {view.job.id for view in jobs.list_jobs(db, owner_id=owner_id, query=query).jobs}


def snippet(db: Database, query: str) -> Snippet:
    [snippet] = jobs.list_jobs(db, owner_id=LOCAL_OWNER, query=query).snippets.values()
    return snippet


class TestSearch:
    def test_pieces_of_chinese_and_of_english_words_are_found_in_what_was_said(
        self, db: Database
    ) -> None:
        budget = a_transcript(db, "大家好。", "今年的预算要用在GPU上。")
        other = a_transcript(db, "明天再说。")
        assert found(db, "预算") == found(db, "算要用") == found(db, "gpu") == {budget}
        assert found(db, "再") == {other}
        assert found(db, "明年") == set()
        assert found(db, "  ") == {budget, other}

    def test_every_word_must_be_there_be_it_in_the_name_or_in_the_text(self, db: Database) -> None:
        job_id = a_transcript(db, "预算不够。", filename="周会 Standup.m4a")
        assert found(db, "周会 预算") == found(db, "standup 不够") == {job_id}
        assert found(db, "周会 明天") == set()

    def test_a_job_is_found_by_its_name_before_anything_was_recognised(self, db: Database) -> None:
        waiting = factories.submit(db, filename="Öffentliche Sitzung.WAV")
        assert found(db, "öffentliche") == found(db, "sitzung.wav") == {waiting}

    def test_width_and_composition_do_not_count(self, db: Database) -> None:
        job_id = a_transcript(db, "用ＧＰＵ。", filename="cafe\u0301.wav")
        assert found(db, "gpu") == found(db, "ＧＰＵ") == found(db, "CAFÉ") == {job_id}

    def test_what_nobody_sees_does_not_count_nor_how_a_character_is_encoded(
        self, db: Database
    ) -> None:
        job_id = a_transcript(db, "预\u200b算和\u2fa6融。", filename="\ufeff季\u00ad度.wav")
        assert snippet(db, "预算").pieces == (("预算", True), ("和\u2fa6融。", False))
        for query in (
            "预算",
            "\u202a预算\u202c",
            "预\u2060算",
            "\ufeff季度",
            "金融",
            "\u2fa6\u878d",
        ):
            assert found(db, query) == {job_id}, ascii(query)

    @pytest.mark.parametrize("sign", ["%", "_", "\\", "'", '"', "%%", "\\%", "[", "*", "-"])
    def test_signs_mean_themselves(self, db: Database, sign: str) -> None:
        with_it = a_transcript(db, f"大约百分之五{sign}吧。")
        a_transcript(db, "大约百分之五吧。")
        assert found(db, f"五{sign}吧") == {with_it}
        assert found(db, sign) == {with_it}

    @pytest.mark.parametrize("query", ["\x00", "a\x00b", "\ud800", "😀", "a " * 300])
    def test_nothing_that_is_typed_is_an_error(self, db: Database, query: str) -> None:
        a_transcript(db, "好。", filename="x.wav")
        assert found(db, query + "zzz") == set()

    def test_what_another_owner_said_is_not_found(self, db: Database) -> None:
        mine = a_transcript(db, "预算。")
        theirs = a_transcript(db, "预算。", owner_id="b")
        assert found(db, "预算") == {mine}
        assert found(db, "预算", owner_id="b") == {theirs}
        assert found(db, "预算", owner_id="c") == set()

    def test_the_sentence_that_says_most_of_it_is_shown_with_its_number(self, db: Database) -> None:
        a_transcript(db, "先说预算。", "然后说GPU。", "GPU的预算是多少？")
        assert snippet(db, "gpu 预算") == Snippet(
            2, (("GPU", True), ("的", False), ("预算", True), ("是多少？", False)), 4, "gpu"
        )

    def test_of_a_long_sentence_what_is_around_the_match_is_shown(self, db: Database) -> None:
        a_transcript(db, "一" * 200 + "İstanbul" + "二" * 200)
        [before, start, hit, end, after] = [piece for piece, _ in snippet(db, "STANBUL").pieces]
        assert (before, hit, after) == ("…", "stanbul", "…")
        assert start == "一" * 23 + "İ"
        assert set(end) == {"二"}

    def test_a_job_found_by_its_name_alone_shows_no_text(self, db: Database) -> None:
        job_id = a_transcript(db, "好。", filename="budget.wav")
        page = jobs.list_jobs(db, owner_id=LOCAL_OWNER, query="budget")
        assert [view.job.id for view in page.jobs] == [job_id]
        assert page.snippets == {}

    def test_what_was_corrected_is_found_and_what_it_replaced_is_not(self, db: Database) -> None:
        job_id = a_transcript(db, "好。", "鱼算不够。", "再见。")
        corrections.correct(
            db, owner_id=LOCAL_OWNER, job_id=job_id, n=1, text="预算\nABC。", revision=0
        )
        assert found(db, "预算") == found(db, "好 abc") == {job_id}
        assert found(db, "鱼算") == set()
        assert snippet(db, "abc").sentence == 1

    def test_corrections_of_two_sentences_at_once_are_both_found(self, db: Database) -> None:
        job_id = a_transcript(db, *("旧" for _ in range(8)))

        def correct(n: int) -> None:
            corrections.correct(
                db, owner_id=LOCAL_OWNER, job_id=job_id, n=n, text=f"新{n}", revision=0
            )

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(correct, range(8)))
        assert found(db, " ".join(f"新{n}" for n in range(8))) == {job_id}
        assert found(db, "旧") == set()

    def test_a_deleted_jobs_text_is_gone(self, db: Database) -> None:
        factories.delete(db, a_transcript(db, "预算。"))
        assert factories.count(db, SearchText) == 0

    def test_a_name_of_a_version_that_did_not_fold_it_is_found(self, db: Database) -> None:
        job_id = factories.submit(db, filename="Budget 周会.wav")
        with db.writing() as session:
            session.execute(update(Recording).values(folded_name=None))
        assert found(db, "budget 周会") == {job_id}

    def test_a_name_that_folding_makes_longer_than_its_column_is_kept(self, db: Database) -> None:
        longer = "\N{MUSICAL SYMBOL SIXTEENTH NOTE}" * 255
        job_id = factories.submit(db, filename=longer)
        with db.reading() as session:
            folded = session.scalar(select(Recording.folded_name))
        assert folded is not None and len(folded) == 255
        assert found(db, fold(longer)[:3]) == {job_id}


def test_folding_keeps_every_characters_place() -> None:
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x20000)]))
    for character in composed(everything):
        assert len(fold(character)) == len(composed(character)), hex(ord(character))


class TestFilters:
    @pytest.fixture
    def of(self, db: Database) -> dict[JobStatus, str]:
        """A job in each state; the waiting one last, for it would be claimed."""
        states = sorted(JobStatus, key=lambda status: status is JobStatus.QUEUED)
        return {status: factories.a_job(db, status, filename=f"{status}.wav") for status in states}

    def test_a_page_has_the_states_that_were_asked_for(
        self, db: Database, of: dict[JobStatus, str]
    ) -> None:
        for wanted in ([JobStatus.FAILED], [JobStatus.PROCESSING, JobStatus.CANCELLING]):
            page = jobs.list_jobs(db, owner_id=LOCAL_OWNER, statuses=wanted)
            assert {view.job.id for view in page.jobs} == {of[status] for status in wanted}

    def test_all_states_are_counted_whichever_are_shown(
        self, db: Database, of: dict[JobStatus, str]
    ) -> None:
        factories.submit(db, filename="failed again.wav")
        page = jobs.list_jobs(db, owner_id=LOCAL_OWNER, statuses=[JobStatus.FAILED])
        assert page.counts == dict.fromkeys(JobStatus, 1) | {JobStatus.QUEUED: 2}
        page = jobs.list_jobs(db, owner_id=LOCAL_OWNER, statuses=[JobStatus.FAILED], query="failed")
        assert [view.job.id for view in page.jobs] == [of[JobStatus.FAILED]]
        assert page.counts == dict.fromkeys(JobStatus, 0) | {
            JobStatus.QUEUED: 1,
            JobStatus.FAILED: 1,
        }

    @pytest.mark.parametrize("query", [None, "wav"])
    def test_the_next_page_goes_on_where_the_one_before_ended(
        self, db: Database, query: str | None
    ) -> None:
        submitted = [factories.submit(db, filename=f"{n}.wav") for n in range(5)]
        jobs.cancel(db, owner_id=LOCAL_OWNER, job_id=submitted[2])
        wanted = [job_id for job_id in reversed(submitted) if job_id != submitted[2]]
        cursor, seen = None, []
        while True:
            page = jobs.list_jobs(
                db,
                owner_id=LOCAL_OWNER,
                statuses=[JobStatus.QUEUED],
                query=query,
                limit=2,
                cursor=cursor,
            )
            seen.append([view.job.id for view in page.jobs])
            if (cursor := page.next_cursor) is None:
                break
            factories.submit(db, filename="newer.wav")
        assert seen == [wanted[:2], wanted[2:]]
