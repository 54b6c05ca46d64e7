"""Every table stands where its rows are exported and erased, or it is said why not."""

from __future__ import annotations

from sqlalchemy import LargeBinary

from shared.models import Base
from shared.owner_data.tables import OF_JOB, OF_OWNER, OTHERS

NAMES_AN_OWNER = {"owner_id", "user_id", "person_id", "actor_id", "subject_id"}
SECRET = ("secret", "sha256", "hash", "token", "key_sha")


def test_every_table_is_named_once_and_none_that_there_is_not() -> None:
    tables = Base.metadata.tables
    assert set(OF_OWNER) | set(OF_JOB) | set(OTHERS) == set(tables)
    assert not set(OTHERS) & (set(OF_OWNER) | set(OF_JOB))
    assert all(OTHERS.values())


def test_a_table_with_an_owner_is_an_owners_and_one_of_a_job_a_jobs() -> None:
    for name, table in Base.metadata.tables.items():
        columns = {column.name for column in table.columns}
        if columns & NAMES_AN_OWNER:
            held = OF_OWNER[name]
            assert {held.column, *held.also} == columns & NAMES_AN_OWNER, name
        leads_to = {key.column.table.name for key in table.foreign_keys}
        if "jobs" in leads_to:
            assert name in OF_JOB, f"{name}: say what of it is exported with its job"
            deletes = [
                key.ondelete for key in table.foreign_keys if key.column.table.name == "jobs"
            ]
            assert deletes == ["CASCADE"], f"{name}: it would outlive its job"
        elif "users" in leads_to:
            assert name in OF_OWNER, f"{name}: say what of it is exported with its account"


def test_nothing_secret_and_no_bytes_are_exported() -> None:
    for held_by in (OF_OWNER, OF_JOB):
        for name, held in held_by.items():
            if not (held.file or held_by is OF_JOB) or held.why:
                continue
            for column in Base.metadata.tables[name].columns:
                if column.name in held.hidden:
                    continue
                assert not isinstance(column.type, LargeBinary), (name, column.name)
                is_secret = any(part in column.name for part in SECRET)
                # Of a recording it is the hash of what its owner submitted.
                assert not is_secret or (name, column.name) in {
                    ("recordings", "sha256"), ("webhooks", "previous_secret_until"),
                }, (name, column.name)  # fmt: skip


def test_what_is_not_exported_says_why() -> None:
    assert all(held.file or held.why for held in OF_OWNER.values())
