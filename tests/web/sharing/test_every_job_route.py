"""Every route of a job, requested by its owner, by colleagues and by others.

The routes come from the application itself: one that is new is its owner's alone until
`SHARED_ROUTES` names it.
"""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from shared import jobs
from shared.annotations.marks import MarkKind, add_marks, checked_mark
from shared.errors import JobNotFound
from shared.sharing import AccessLevel
from tests.support import factories
from tests.support.web.routes import NEEDED, job_values, methods, rules
from tests.web.sharing.conftest import Sharing
from web.authentication.job_access import SHARED_ROUTES
from web.authentication.sign_in import OPEN

_COMPATIBLE = ("assemblyai.", "dashscope.", "openai.")
"""Addresses in the shape of others' services have what is one's own only."""

_DONE = {201, 303}
"""Besides 200, of routes that change something."""

_READ = {rule for rule, level in SHARED_ROUTES.items() if level is AccessLevel.READ}


def job_rules(app: Flask) -> list[Rule]:
    return [
        rule
        for rule in rules(app)
        if "job_id" in rule.arguments
        and rule.endpoint not in OPEN
        and not rule.endpoint.startswith(_COMPATIBLE)
    ]


def a_mark(sharing: Sharing, job_id: str) -> str:
    bo = sharing.people["Bo"].id
    mark = checked_mark(MarkKind.NOTE, 1.0, "another")
    add_marks(sharing.db, owner_id=bo, job_id=job_id, editor_id=bo, marks=[mark])
    return mark.id


def ask(sharing: Sharing, who: str, rule: Rule, values: dict[str, str], method: str) -> Any:
    with sharing.app.test_request_context():
        built = rule.build(
            {name: values.get(name, values["mark_id"]) for name in rule.arguments},
            append_unknown=False,
        )
    assert built is not None
    path = built[1]
    client = (sharing.programs if path.startswith("/api/") else sharing.pages)[who]
    answer: TestResponse = client.open(path, method=method, **NEEDED.get(rule.endpoint, {}))
    return answer


def test_what_is_shared_is_named_once_for_each_route(sharing: Sharing) -> None:
    endpoints = {rule.endpoint for rule in job_rules(sharing.app)}
    assert set(SHARED_ROUTES) <= endpoints, "an endpoint is named that is none"
    for rule in job_rules(sharing.app):
        if rule.endpoint in _READ:
            assert methods(rule) == ["GET"], "reading changes nothing"


def test_every_route_of_a_job_asks_who_may(sharing: Sharing) -> None:
    job_id = sharing.job()
    values = job_values(sharing.db, sharing.people["Bo"].id, job_id)
    sharing.share(job_id, "Reader", AccessLevel.READ)
    sharing.share(job_id, "Corrector", AccessLevel.CORRECT)
    sharing.share(job_id, "Former", AccessLevel.CORRECT)
    sharing.withdraw(job_id, "Former")
    asked = 0
    for rule in job_rules(sharing.app):
        for method in methods(rule):
            what = (rule.endpoint, method)
            level = SHARED_ROUTES.get(rule.endpoint)
            for who in ("Stranger", "Former"):
                assert ask(sharing, who, rule, values, method).status_code == 404, (who, *what)
            # Minutes are not there of such a recording, and nobody is refused for that.
            found = {404} if rule.endpoint.startswith("minutes.") else {200}
            reads = ask(sharing, "Reader", rule, values, method).status_code
            assert reads in (found if level is AccessLevel.READ else {403}), what
            corrects = ask(sharing, "Corrector", rule, values, method).status_code
            assert corrects in ({403} if level is None else found | _DONE), what
            if rule.endpoint == "marks.end_mark":
                values["mark_id"] = a_mark(sharing, job_id)
            asked += 1
    assert asked >= 50
    bo = sharing.people["Bo"].id
    shown = jobs.get_versions(sharing.db, owner_id=bo, job_id=job_id)
    assert shown.current.sentences[0].text == "mine now"  # the corrector's
    with pytest.raises(JobNotFound):
        jobs.get_job(sharing.db, owner_id=sharing.people["Reader"].id, job_id=job_id)


_TAKES_AWAY = ("delete", "end_")
"""Beginnings of the views after which something that the next requests name is gone."""


def test_its_owner_may_do_everything(sharing: Sharing) -> None:
    values: dict[str, str] = {}
    for rule in job_rules(sharing.app):
        for method in methods(rule):
            if not values:
                values = job_values(sharing.db, sharing.people["Bo"].id, sharing.job())
            answer = ask(sharing, "Bo", rule, values, method)
            # Minutes and suggestions of voices are not there of such a recording.
            is_bare = "minutes" in rule.endpoint or "suggestion" in rule.endpoint
            refused = {401, 403} if is_bare else {401, 403, 404}
            what = (rule.endpoint, method, answer.data[:500])
            assert answer.status_code not in refused and answer.status_code < 500, what
            if rule.endpoint.endswith(".transcribe_again"):
                # Else the next recording would wait behind the job that this made.
                factories.complete(sharing.db, factories.claim(sharing.db))
            if rule.endpoint.partition(".")[2].startswith(_TAKES_AWAY):
                values = {}
