"""The memory of one device divided among the processes of a worker, so that all of them planning
their batches at the same moment never plan for more than there is.

Nobody hands memory out.  Each process knows how many they are and works out its own share from what
it sees; the shares add up to no more than the whole whenever each was worked out.  Pure arithmetic
but for the reading of /proc.
"""

from __future__ import annotations

from pathlib import Path

CONTEXT_BYTES = 768 * 1024**2
"""Bytes that CUDA takes for itself in each process: context, kernels, workspaces of the libraries.
0.3 to 0.5 GB are usual; rounded up, since it is outside of what torch counts and can limit."""


def even_share(free_bytes: int, own_bytes: int, others_bytes: int, processes: int) -> int:
    """Bytes that one of `processes` may still take of `free_bytes`.

    What all of them hold and what is free is one sum that does not change while they allocate,
    free, die and start again, so a part of it belongs to each for good.
    """
    share = (free_bytes + own_bytes + others_bytes) // processes
    return max(0, min(free_bytes, share - own_bytes))


def device_limit(total_bytes: int, processes: int) -> int:
    """Bytes that torch may hold on a GPU in each of `processes`; not positive where there is no
    room for so many."""
    return total_bytes // processes - CONTEXT_BYTES


def share_below_limit(free_bytes: int, held_bytes: int, total_bytes: int, processes: int) -> int:
    """Bytes that one of `processes` may still take of a GPU.

    No process can see what the others hold there.  So each is limited to its part of the whole,
    which is enough where nobody else uses the GPU; and because somebody may, each also takes no
    more than its part of what is free.
    """
    limit = device_limit(total_bytes, processes)
    return max(0, min(free_bytes // processes, limit - held_bytes))


def siblings_bytes(proc: Path = Path("/proc")) -> tuple[int, int]:
    """Memory of this process, and of all others with the same parent, together.

    Files in memory are left out, as the libraries are: all processes share them.
    """
    own_pid, parent = _pid_and_parent(proc / "self")
    others = 0
    for folder in proc.glob("[0-9]*"):
        try:
            pid, its_parent = _pid_and_parent(folder)
            if its_parent == parent and pid != own_pid:
                others += _private_bytes(folder)
        except OSError:  # it has ended
            continue
    return _private_bytes(proc / "self"), others


def _pid_and_parent(folder: Path) -> tuple[int, int]:
    before, _, after = (folder / "stat").read_text().rpartition(")")
    return int(before.split(" ", 1)[0]), int(after.split()[1])


def _private_bytes(folder: Path) -> int:
    kilobytes = 0
    for line in (folder / "status").read_text().splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            kilobytes += int(line.split()[1])
    return kilobytes * 1024
