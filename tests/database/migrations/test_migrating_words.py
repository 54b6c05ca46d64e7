"""Back to the version before there were lists of words, and up again, with what they left."""

from __future__ import annotations

import migrations
from shared import jobs
from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.transcripts import rules
from shared.transcripts.rules import RuleChanges
from shared.words.hotwords import WordList, read_list, replace_list
from shared.words.replacements import lists
from shared.words.replacements.pairs import Pair
from tests.support import factories

BEFORE_LISTS = "0024"


def test_back_and_up_again_keeps_jobs_and_what_their_lists_wrote(db: Database) -> None:
    lists.put(db, LOCAL_OWNER, [Pair("大家", "各位")], only=True)
    replace_list(db, LOCAL_OWNER, ("达摩院",), editor_id="editor")
    completed = factories.a_job(db, JobStatus.COMPLETED)
    failed = factories.a_job(db, JobStatus.FAILED, hotwords=("网关",))
    url = db.engine.url.render_as_string(hide_password=False)
    db.engine.dispose()
    migrations.downgrade(url, BEFORE_LISTS)
    migrations.upgrade(url)
    read = jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=completed)
    assert (read.sentences[0].text, read.sentences[0].rule) == ("各位好。", None)
    counted = rules.rule_changes(db, owner_id=LOCAL_OWNER, job_id=completed)
    assert counted == RuleChanges(applied=0, undone=0)
    assert lists.read_all(db, LOCAL_OWNER) == [] and read_list(db, LOCAL_OWNER) == WordList()
    assert jobs.get_hotwords(db, owner_id=LOCAL_OWNER, job_id=failed) == jobs.GivenWords()
    jobs.retry(db, owner_id=LOCAL_OWNER, job_id=failed)
    factories.complete(db, factories.claim(db))
    again = jobs.get_transcript(db, owner_id=LOCAL_OWNER, job_id=failed)
    assert again.sentences[0].text == "大家好。"
