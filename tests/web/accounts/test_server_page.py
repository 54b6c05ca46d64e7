"""The page on how the installation is: what it says, and to whom."""

from __future__ import annotations

import re
from html import unescape

from flask import Flask
from sqlalchemy import delete

from shared import jobs
from shared.db import Database
from shared.models import WorkerSeen
from shared.states import JobStatus, Obstacle
from tests.support import factories
from tests.support.people import a_person, an_admin, bearer, signed_in


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.partition("<main")[2])).split())


def forget(db: Database, worker: str) -> None:
    with db.writing() as session:
        session.execute(delete(WorkerSeen).where(WorkerSeen.name == worker))


def test_an_administrator_sees_what_works_and_what_does_not(app: Flask, rows: Database) -> None:
    an_admin(rows)
    client = signed_in(app, "Anna")
    empty = text_of(client.get("/server").text)
    assert "No worker is running, so nothing moves until one starts" in empty
    assert "Workers" not in empty and "Models" not in empty
    busy = jobs.Gpu(0, "GPU-1", "NVIDIA H200", 61 * 2**30, 141 * 2**30, 0.875, 64.0, 410.4)
    factories.a_worker(rows, "gpu1:1", model="paraformer", gpus=[busy])
    factories.a_worker(rows, "gpu2:1", model="paraformer", obstacles=[Obstacle.NO_ROOM])
    factories.a_worker(rows, "gone:1", model="sensevoice")
    factories.submit(rows, model="sensevoice")
    forget(rows, "gone:1")
    factories.a_job(rows, JobStatus.FAILED)
    said = text_of(client.get("/server").text)
    assert re.search(r"Waiting 1 job .* of audio the oldest for ", said), said
    assert "Failed 1 job" in said
    assert re.search(r"gpu1:1 takes jobs paraformer .* seen .* ago", said), said
    gpu = "GPU 0 (NVIDIA H200): 87.5% busy, 61 GB of 141 GB in use, 64 °C, 410 W"
    assert gpu in said, said
    assert re.search(r"gpu2:1 takes no job .* seen .* ago Its disk is full", said), said
    assert "sensevoice missing Jobs wait for it, and no worker runs it." in said
    assert "paraformer 2 workers" in said
    assert re.search(r"Recordings .*stored \S+ GB free beyond the reserve", said), said
    assert re.search(r"Database (SQLite|PostgreSQL) schema \d{4}", said), said
    assert "Redis does not answer" in said  # none runs in these tests


def test_nobody_else_sees_it(app: Flask, rows: Database) -> None:
    an_admin(rows)
    person = a_person(rows, "Bo")
    bo = signed_in(app, "Bo")
    assert bo.get("/server").status_code == 403
    assert "/server" not in bo.get("/account").text
    assert 'href="/server"' in signed_in(app, "Anna").get("/account").text
    assert app.test_client().get("/server").status_code == 303
    assert app.test_client().get("/server", headers=bearer(rows, person)).status_code in (401, 403)
