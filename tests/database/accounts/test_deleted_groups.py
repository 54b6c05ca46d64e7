"""Nothing is kept for a group that is deleted while somebody writes, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared import accounts
from shared.accounts.errors import GroupNotFound
from shared.accounts.groups.membership import _delete
from shared.audit import GroupId
from shared.db import Database
from shared.export.reports.named_templates import give_template, keep_template
from shared.models import (
    Base,
    HotwordList,
    HotwordSet,
    NamedReportTemplate,
    Replacement,
    ReplacementList,
    SavedSearch,
)
from shared.search.saved import ListConditions, give_search, save_search
from shared.words.hotwords import replace_list
from shared.words.replacements import lists
from shared.words.replacements.pairs import Pair
from tests.support import factories
from tests.support.databases.waiting import until_it_waits

ANNA = "anna"


def _give_search(db: Database, group_id: GroupId) -> object:
    own = save_search(db, owner_id=ANNA, name="own", conditions=ListConditions())
    return give_search(db, owner_id=ANNA, search_id=own.id, group_id=group_id)


def _give_template(db: Database, group_id: GroupId) -> object:
    keep_template(db, owner_id=ANNA, name="own", content=b"{{title}}")
    return give_template(db, owner_id=ANNA, name="own", group_id=group_id)


WRITES: dict[str, tuple[Callable[[Database, GroupId], object], int, tuple[type[Base], ...]]] = {
    "save a search": (
        lambda db, group: save_search(
            db, owner_id=group, name="theirs", conditions=ListConditions()
        ),
        0,
        (SavedSearch,),
    ),
    "give a search": (_give_search, 1, (SavedSearch,)),
    "keep a template": (
        lambda db, group: keep_template(db, owner_id=group, name="theirs", content=b"{{title}}"),
        0,
        (NamedReportTemplate,),
    ),
    "give a template": (_give_template, 1, (NamedReportTemplate,)),
    "replace hotwords": (
        lambda db, group: replace_list(db, group, ("集群",), editor_id=ANNA),
        0,
        (HotwordList, HotwordSet),
    ),
    "replace pairs": (
        lambda db, group: lists.put(db, group, [Pair("甲", "1")], only=True),
        0,
        (Replacement, ReplacementList),
    ),
    "add a pair": (
        lambda db, group: lists.add(db, group, wrong="甲", right="1"),
        0,
        (Replacement, ReplacementList),
    ),
}


@pytest.mark.parametrize("what", WRITES)
def test_what_is_written_while_the_group_is_deleted_is_refused(db: Database, what: str) -> None:
    write, own, tables = WRITES[what]
    group = GroupId(accounts.add_group(db, "Sales").id)
    with ThreadPoolExecutor(1) as pool:
        with db.writing() as session:
            _delete(session, group)
            writing = pool.submit(write, db, group)
            until_it_waits(session, writing)
        with pytest.raises(GroupNotFound):
            writing.result()
    assert [factories.count(db, table) for table in tables] == [own] * len(tables)
