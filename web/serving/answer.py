"""The answer to one request, which a thread gives as far as there is something to send."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from gunicorn.http import wsgi  # type: ignore[import-untyped]

from web.waiting import PARKS, WAIT


class Answer:
    """Run of the application for one request, which may pause between two pieces of its answer.

    `give` is called by one thread at a time; the loop closes it where no thread has it.
    """

    def __init__(self, request: Any, connection: Any, cfg: Any) -> None:
        self.response, self._environ = wsgi.create(
            request, connection.sock, connection.client, connection.server, cfg
        )
        self.request = request
        self._environ["wsgi.multithread"] = True
        self._environ[PARKS] = True
        self._body: Iterable[bytes] | None = None
        self._pieces: Iterator[bytes] = iter(())

    def give(self, application: Callable[..., Iterable[bytes]]) -> Any:
        """Send what there is: None once that was all, or else the wait after which to go on.

        Raises what the application raises, and OSError for a client that is gone.
        """
        try:
            if self._body is None:
                self._body = application(self._environ, self.response.start_response)
                if isinstance(self._body, self._environ["wsgi.file_wrapper"]):
                    self.response.write_file(self._body)
                else:
                    self._pieces = iter(self._body)
            for piece in self._pieces:
                if piece:
                    self.response.write(piece)
                elif (wait := self._environ.pop(WAIT, None)) is not None:
                    return wait
            self.response.close()
        except BaseException:
            self.close()
            raise
        self.close()
        return None

    def close(self) -> None:
        """Let the application end what it holds for this answer."""
        body, self._body, self._pieces = self._body, (), iter(())
        close = getattr(body, "close", None)
        if close is not None:
            close()
