"""Clients that look: at one job until it is over, at the list, and for words."""

from __future__ import annotations

import re

import requests

from shared.models import LOCAL_OWNER
from tests.chaos.soak.client_log import Accepted
from tests.chaos.soak.clients.client import BUSY, Client


class Watcher(Client):
    """Polls jobs until they are over, and cancels a few."""

    pause_s = 0.15

    def act(self) -> None:
        job = self.log.take(self.random, over=False, owner_id=LOCAL_OWNER)
        if job is None:
            return
        try:
            if self.random.random() < 0.01:
                answer = self.ask("POST", f"/api/v1/jobs/{job.job_id}/cancel")
                self.log.count("cancel asked" if answer is not None else "cancel unanswered")
            self.look(job)
        finally:
            self.log.give_back(job)

    def look(self, job: Accepted) -> None:
        """Ask for one that this client has taken, if anything changed in it."""
        known = {"If-None-Match": job.etag} if job.etag is not None else {}
        answer = self.ask("GET", f"/api/v1/jobs/{job.job_id}", headers=known)
        if answer is None or answer.status_code in BUSY:
            return
        if answer.status_code == 304 and known:
            self.log.count("unchanged")
            return
        if answer.status_code != 200:
            self.log.complain(f"job {job.job_id}: its page says {answer.status_code} (P1)")
            return
        shown = answer.json()
        if shown["progress"] < job.progress:
            self.log.complain(
                f"job {job.job_id}: progress fell from {job.progress} to {shown['progress']} (P9)"
            )
        job.progress = shown["progress"]
        job.status, job.etag = shown["status"], answer.headers.get("ETag")
        if job.over:
            self.log.count(f"seen {job.status}")


class ListReader(Client):
    """Reads the list: as a program, page by page, and as a browser that keeps asking for it."""

    pause_s = 1.0
    etag: str | None = None

    def act(self) -> None:
        if self.random.random() < 0.5:
            self._expect_an_answer("/api/v1/jobs", params={"limit": "20"})
            return
        known = {"If-None-Match": self.etag} if self.etag is not None else {}
        answer = self._expect_an_answer("/fragments/jobs", headers=known)
        if answer is not None and answer.status_code == 200:
            self.etag = answer.headers.get("ETag")

    def _expect_an_answer(self, path: str, **how: object) -> requests.Response | None:
        answer = self.ask("GET", path, **how)
        if answer is None or answer.status_code in BUSY:
            return None
        if answer.status_code not in (200, 304):
            self.log.complain(f"{path} was answered {answer.status_code}")
        self.log.count("list read")
        return answer


class Searcher(Client):
    """Searches for words that one completed job alone has, in its name and in what was corrected,
    and for a piece of its text beside them."""

    pause_s = 0.7

    def act(self) -> None:
        job = self.log.take(self.random, over=True, owner_id=LOCAL_OWNER)
        if job is None:
            return
        try:
            words = [*job.words]
            if job.text is not None and len(job.text) > 4:
                at = self.random.randrange(len(job.text) - 3)
                piece = job.text[at : at + self.random.randint(1, 4)]
                # A search finds what lies within a sentence.
                words += re.split(r"[\s。！？.!?]+", piece)[:1]
            answer = self.ask("GET", "/api/v1/jobs", params={"q": " ".join(words)})
            if answer is None or answer.status_code in BUSY:
                return
            found = [shown["id"] for shown in answer.json().get("jobs", ())]
            self.log.count("searched")
            if found != [job.job_id]:
                self.log.complain(
                    f"job {job.job_id}: a search for {words} was answered {answer.status_code}"
                    f" with {found}"
                )
        finally:
            self.log.give_back(job)
