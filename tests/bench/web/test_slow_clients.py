"""What others notice of slow clients, and what these cost the server."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import pytest
import requests

from tests.bench.measuring.memory import process_tree
from tests.support.stack import Service, Stack
from tests.support.web.slow_clients import SlowClients
from tests.support.web.web_site import serving

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

WITHIN_S = 1.0
ROUNDS = 20


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with serving(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    ("half_heads", "uploads", "readers"), [(0, 0, 0), (40, 40, 40), (300, 60, 36)]
)
def test_others_are_answered_beside_slow_clients(
    stack: Stack, half_heads: int, uploads: int, readers: int
) -> None:
    [web] = stack.services
    sound = bytes(60 * 2**20)
    made = requests.post(
        f"{stack.url}/api/v1/jobs", files={"file": ("周会.wav", sound)}, timeout=60
    )
    path = made.json()["links"]["self"]
    with SlowClients(stack.port) as clients:
        clients.half_heads(half_heads)
        clients.slow_uploads(uploads)
        clients.stalled_readers(readers, f"{path}/audio")
        time.sleep(2)
        print(
            f"\n{half_heads} half heads, {uploads} uploads at 25 kB/s, {readers} stalled readers:"
        )
        for name, asked in (("health", "/healthz"), ("poll", path), ("list", "/")):
            took = [seconds(lambda asked=asked: ask(stack, asked)) for _ in range(ROUNDS)]
            print(f"  {name}: median {1e3 * median(took):.0f} ms, largest {1e3 * max(took):.0f} ms")
            assert max(took) < WITHIN_S
        print(f"  {cost(web)}")


def ask(stack: Stack, path: str) -> None:
    assert requests.get(f"{stack.url}{path}", timeout=10).status_code == 200


def seconds(do: Callable[[], None]) -> float:
    began = time.monotonic()
    do()
    return time.monotonic() - began


def cost(web: Service) -> str:
    """The memory of the server's processes, each shared page divided, and their threads."""
    size = threads = 0
    for pid in process_tree(web.pid):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        size += next(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:")
        threads += len(list(Path(f"/proc/{pid}/task").iterdir()))
    return f"{size / 1024:.0f} MiB, {threads} threads"
