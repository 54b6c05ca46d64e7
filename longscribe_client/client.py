"""The client: submit recordings, wait, read, search, cancel and delete."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack

from longscribe_client.connection import Connection
from longscribe_client.errors import JobFailed, NotFinished
from longscribe_client.models import (
    Change,
    Fetch,
    Found,
    Job,
    JobPage,
    ReportTemplate,
    ReportTemplateList,
    Sentence,
    SentencePage,
)
from longscribe_client.options import SubmitOptions
from longscribe_client.reading import read

_FIRST_LOOK_S, _LONGEST_LOOK_S = 0.5, 5.0
_PAGE = 100
_SENTENCES = 1000

Choice = str | bool | int | float


class Client:
    """A server and, where it has accounts, the API key of one.

    What fails for want of a line, of room or of time is tried again for `patience_s`, as late as
    the server asks for; all else raises a ClientError at once.  Close it, or use it in `with`.
    Threads may share it; `AsyncClient` is for asynchronous code.
    """

    def __init__(self, server: str, key: str | None = None, *, patience_s: float = 60) -> None:
        self._there = Connection(server, key, patience_s=patience_s)

    @classmethod
    def over(cls, connection: Connection) -> Self:
        """A client of a connection that was made otherwise."""
        made = cls.__new__(cls)
        made._there = connection
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        self._there.close()

    # --- recordings in

    def submit(
        self,
        file: str | Path,
        *,
        begun: str | None = None,
        note: Callable[[str], None] = lambda _: None,
        progress: Callable[[int], None] = lambda _: None,
        **options: Unpack[SubmitOptions],
    ) -> Job:
        """Send a file, in pieces that survive a broken line, and have it transcribed.

        `note` is told the upload's id before the first byte is sent; given as `begun` to a later
        call with the same file, it goes on where it stood.  `progress` is told how many bytes are
        there.
        """
        upload_id = self._there.upload(Path(file), begun=begun, note=note, progress=progress)
        return read(Job, self._there.submit(upload_id, options))

    def submit_url(
        self, url: str, *, filename: str | None = None, **options: Unpack[SubmitOptions]
    ) -> Fetch:
        """Have the server fetch a recording, where its operator lets it, and transcribe it."""
        named = {} if filename is None else {"filename": filename}
        return read(Fetch, self._there.fetch(url, {**options, **named}))

    # --- how they stand

    def job(self, job_id: str) -> Job:
        """Read a job. Raises NotFinished while its recording is being fetched, and JobFailed if
        that failed or was cancelled: `status` returns both."""
        found = self.status(job_id)
        if isinstance(found, Job):
            return found
        if found.is_finished:
            return completed(found)
        raise NotFinished(f"The recording is not here yet; it is {found.status}.")

    def status(self, id: str) -> Job | Fetch:
        """Read a job, or the fetch that comes before it."""
        return _job_or_fetch(self._there.job(id))

    def wait(
        self,
        of: Job | Fetch | str,
        *,
        timeout_s: float | None = None,
        progress: Callable[[Job | Fetch], None] = lambda _: None,
    ) -> Job:
        """Wait until a job is completed, and return it. `progress` is told how it stands.

        Raises JobFailed if it fails or is cancelled, and NotFinished when the time is over.
        """
        id_ = of if isinstance(of, str) else of.id
        looks = PollSchedule(timeout_s)
        while True:
            now = self.status(id_)
            progress(now)
            if now.is_finished:
                return completed(now)
            time.sleep(looks.pause_s(now))

    def events(self, job_id: str) -> Iterator[Job]:
        """Yield a job at once and each time that it changes, until its end, by server-sent
        events. A line that breaks is taken up where it was."""
        for told in self._there.job_events(job_id):
            yield read(Job, told)

    def changes(self, since: str | None = None) -> Iterator[Change]:
        """Yield what happens to jobs, as it happens and for ever; `since` is the `place` of a
        change, after which nothing is missed. Read the list where a change has no job: at the
        beginning, and where too much has happened since."""
        for kind, place, told in self._there.list_events(since):
            yield Change(job=read(Job, told) if kind == "job" else None, place=place)

    def jobs(
        self,
        *,
        status: str | None = None,
        search: str | None = None,
        tag: str | None = None,
        person: str | None = None,
    ) -> Iterator[Job]:
        """Yield jobs, the newest first, page by page as they are asked for."""
        for page in self._pages(status=status, q=search, tag=tag, person=person):
            yield from page.jobs

    def search(self, words: str) -> Iterator[Found]:
        """Yield the jobs that have all these words, and where they are said."""
        for page in self._pages(q=words):
            matches = {one.job_id: one for one in page.matches or []}
            for job in page.jobs:
                yield Found(job=job, match=matches.get(job.id))

    def _pages(self, **query: str | None) -> Iterator[JobPage]:
        asked: dict[str, Any] = {name: value for name, value in query.items() if value}
        while True:
            page = read(JobPage, self._there.jobs(limit=_PAGE, **asked))
            yield page
            if page.next_cursor is None:
                return
            asked["cursor"] = page.next_cursor

    # --- transcripts out

    def transcript(self, job_id: str, format: str = "txt", **choices: Choice) -> str:
        """A completed job's transcript as txt, json, srt, vtt, md or chapters, with the options of
        docs/exports.md: `timestamps=True`, `line_width=36`. Raises Conflict before its end."""
        return self.transcript_file(job_id, format, **choices).decode()

    def transcript_file(self, job_id: str, format: str, **choices: Choice) -> bytes:
        """A completed job's transcript in any format, docx too, with the options of
        `transcript`."""
        return self._there.transcript(job_id, format, **choices)

    def report(
        self,
        job_id: str,
        *,
        template: str | None = None,
        group: str | None = None,
        kind: str | None = None,
        timestamps: bool = False,
    ) -> bytes:
        """A completed job's report as docx or md: title, people, agenda, decisions, to-dos and the
        transcript, from the template that a name chooses: one of yours, or with a group's id one
        of that group's. Without `kind` it is what a named template is, and otherwise docx."""
        chosen: dict[str, Choice | None] = {"template": template, "group": group, "kind": kind}
        choices = {name: value for name, value in chosen.items() if value is not None}
        return self._there.report(job_id, **choices, timestamps=timestamps)

    def report_templates(self) -> list[ReportTemplate]:
        """The templates that you keep under names, and those of your groups."""
        return read(ReportTemplateList, self._there.report_templates()).templates

    def keep_report_template(
        self, name: str, file: str | Path, *, group: str | None = None
    ) -> ReportTemplate:
        """Keep a Word document or Markdown as a template, in place of one that has the name; with a
        group's id as a template of the group, which all of its members use."""
        content = Path(file).read_bytes()
        query = {} if group is None else {"group": group}
        return read(ReportTemplate, self._there.keep_report_template(name, content, **query))

    def sentences(
        self, job_id: str, *, start: float = 0, end: float | None = None
    ) -> Iterator[Sentence]:
        """Yield a transcript's sentences with times and speakers, all or those of some seconds."""
        asked: dict[str, Any] = {"start": start, "limit": _SENTENCES}
        if end is not None:
            asked["end"] = end
        while True:
            page = read(SentencePage, self._there.sentences(job_id, **asked))
            yield from page.sentences
            if page.next_cursor is None:
                return
            asked["cursor"] = page.next_cursor

    # --- what is to become of them

    def cancel(self, id: str) -> Job | Fetch:
        """Cancel a job, or the fetch before it; twice is no error."""
        return _job_or_fetch(self._there.cancel(id))

    def retry(self, job_id: str) -> Job:
        """Queue a failed or cancelled job again."""
        return read(Job, self._there.retry(job_id))

    def again(self, job_id: str, **options: Unpack[SubmitOptions]) -> Job:
        """Have the recording of a job that has ended transcribed again, by another job. What is not
        named is as it was, but for the priority."""
        return read(Job, self._there.again(job_id, options))

    def delete(self, job_id: str) -> None:
        """Delete a job, its transcript and its recording, unless another job has it too."""
        self._there.delete(job_id)


def _job_or_fetch(told: dict[str, Any]) -> Job | Fetch:
    return read(Fetch, told) if "received_bytes" in told else read(Job, told)


class PollSchedule:
    """Schedule for asking about a job: pauses grow with time, and end after `timeout_s`."""

    def __init__(self, timeout_s: float | None) -> None:
        self._deadline = None if timeout_s is None else time.monotonic() + timeout_s
        self._pause_s = 0.0

    def pause_s(self, now: Job | Fetch) -> float:
        """Seconds until the next look, after one that found `now`. Raises NotFinished."""
        self._pause_s = min(1.5 * self._pause_s or _FIRST_LOOK_S, _LONGEST_LOOK_S)
        if self._deadline is None:
            return self._pause_s
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            raise NotFinished(f"It is {now.status} still, and goes on.")
        return min(self._pause_s, left_s)


def completed(found: Job | Fetch) -> Job:
    """A finished job, if it is completed. Raises JobFailed."""
    if isinstance(found, Job) and found.status == "completed":
        return found
    if found.error is not None:
        raise JobFailed(found.error.message, code=found.error.code, id=found.id)
    raise JobFailed(f"It is {found.status}.", code=found.status, id=found.id)
