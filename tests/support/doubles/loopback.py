"""An HTTP server of tests on loopback, from its start to its end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_LOOK_FOR_ITS_END_S = 0.05


@contextmanager
def listening(
    handler: Callable[..., BaseHTTPRequestHandler],
    *,
    port: int = 0,
    server: type[ThreadingHTTPServer] = ThreadingHTTPServer,
) -> Iterator[int]:
    """The port of a server that answers each connection on a thread, by a handler of its own.

    At the end none of these threads is waited for: the caller ends what they stall in.
    """
    made = server(("127.0.0.1", port), handler)
    made.daemon_threads = True
    thread = threading.Thread(target=made.serve_forever, args=(_LOOK_FOR_ITS_END_S,), daemon=True)
    thread.start()
    try:
        yield made.server_port
    finally:
        made.shutdown()
        thread.join()
        made.server_close()
