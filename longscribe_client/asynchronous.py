"""The same client for asynchronous code. Its requests are made in threads of the event loop's
executor, and waiting takes none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from longscribe_client.client import Choice, Client, PollSchedule, completed
from longscribe_client.models import Fetch, Found, Job, ReportTemplate, Sentence
from longscribe_client.options import SubmitOptions

T = TypeVar("T")


class AsyncClient:
    """A client for asynchronous code with the methods of `Client`, where it is said what each does
    and raises. A task that is cancelled leaves a request that has begun to its end, and its answer
    aside."""

    def __init__(self, server: str, key: str | None = None, *, patience_s: float = 60) -> None:
        self._client = Client(server, key, patience_s=patience_s)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        self._client.close()

    async def submit(self, file: str | Path, **options: Unpack[SubmitOptions]) -> Job:
        return await asyncio.to_thread(self._client.submit, file, **options)

    async def submit_url(
        self, url: str, *, filename: str | None = None, **options: Unpack[SubmitOptions]
    ) -> Fetch:
        return await asyncio.to_thread(self._client.submit_url, url, filename=filename, **options)

    async def job(self, job_id: str) -> Job:
        return await asyncio.to_thread(self._client.job, job_id)

    async def status(self, id: str) -> Job | Fetch:
        return await asyncio.to_thread(self._client.status, id)

    async def wait(
        self,
        of: Job | Fetch | str,
        *,
        timeout_s: float | None = None,
        progress: Callable[[Job | Fetch], None] = lambda _: None,
    ) -> Job:
        id_ = of if isinstance(of, str) else of.id
        looks = PollSchedule(timeout_s)
        while True:
            now = await self.status(id_)
            progress(now)
            if now.is_finished:
                return completed(now)
            await asyncio.sleep(looks.pause_s(now))

    def jobs(self, **narrowed: str | None) -> AsyncIterator[Job]:
        return _each(self._client.jobs(**narrowed))

    def search(self, words: str) -> AsyncIterator[Found]:
        return _each(self._client.search(words))

    async def transcript(self, job_id: str, format: str = "txt", **choices: Choice) -> str:
        return await asyncio.to_thread(self._client.transcript, job_id, format, **choices)

    async def transcript_file(self, job_id: str, format: str, **choices: Choice) -> bytes:
        return await asyncio.to_thread(self._client.transcript_file, job_id, format, **choices)

    async def report(
        self,
        job_id: str,
        *,
        template: str | None = None,
        group: str | None = None,
        kind: str | None = None,
        timestamps: bool = False,
    ) -> bytes:
        chosen = {"template": template, "group": group, "kind": kind}
        return await asyncio.to_thread(self._client.report, job_id, **chosen, timestamps=timestamps)

    async def report_templates(self) -> list[ReportTemplate]:
        return await asyncio.to_thread(self._client.report_templates)

    async def keep_report_template(
        self, name: str, file: str | Path, *, group: str | None = None
    ) -> ReportTemplate:
        return await asyncio.to_thread(self._client.keep_report_template, name, file, group=group)

    def sentences(
        self, job_id: str, *, start: float = 0, end: float | None = None
    ) -> AsyncIterator[Sentence]:
        return _each(self._client.sentences(job_id, start=start, end=end))

    async def cancel(self, id: str) -> Job | Fetch:
        return await asyncio.to_thread(self._client.cancel, id)

    async def retry(self, job_id: str) -> Job:
        return await asyncio.to_thread(self._client.retry, job_id)

    async def again(self, job_id: str, **options: Unpack[SubmitOptions]) -> Job:
        return await asyncio.to_thread(self._client.again, job_id, **options)

    async def delete(self, job_id: str) -> None:
        await asyncio.to_thread(self._client.delete, job_id)


async def _each(values: Iterator[T]) -> AsyncIterator[T]:
    """Yield what an iterator yields, each value fetched in a thread."""
    end: Any = object()
    while (value := await asyncio.to_thread(next, values, end)) is not end:
        yield value
