"""Back to the version that kept a few columns more, and up again, with rows in their tables."""

from __future__ import annotations

from sqlalchemy import text

import migrations
from shared.db import Database
from shared.minutes.owner_prompts import change_prompt, changed_prompts
from shared.models import LOCAL_OWNER
from shared.speakers.kept import voice_keeping

BEFORE = "0042"


def test_rows_stay_when_columns_that_nobody_reads_go_and_come_back(db: Database) -> None:
    voice_keeping.switch_on(db, LOCAL_OWNER)
    change_prompt(db, LOCAL_OWNER, "zh", "part", "按要点写：{{transcript}}")
    url = db.engine.url.render_as_string(hide_password=False)
    db.engine.dispose()
    migrations.downgrade(url, BEFORE)
    with db.engine.connect() as connection:
        assert connection.execute(text("SELECT since FROM voice_keeping")).scalar_one()
        assert connection.execute(text("SELECT changed_at FROM minutes_prompts")).scalar_one()
    db.engine.dispose()
    migrations.upgrade(url)
    assert voice_keeping.is_on(db, LOCAL_OWNER)
    assert changed_prompts(db, LOCAL_OWNER, "zh") == {"part": "按要点写：{{transcript}}"}
