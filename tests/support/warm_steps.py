"""`python -m tests.support.warm_steps OPTIONS`: `worker.bench.gpu` whose steps have torch already.

Each step is a process of its own, which imports torch and FunASR for 3 CPU seconds before it does
anything.  Here they are imported once, and the steps are forks of the process that has them.  The
pipes, the environment, the arguments and the end of a step are what `subprocess` makes of them.
"""

from __future__ import annotations

import importlib
import os
import runpy
import subprocess
import sys
import traceback
from typing import Any

import torch

STEPS = ("worker.bench.gpu.child", "worker.bench.stock_process")
_IMPORTED = ("worker.engine.funasr_recogniser", "worker.engine.reference.instruments")
"""In this order: the first imports torch in the short way."""


class ForkedStep(subprocess.Popen[Any]):
    """A step is forked; whatever else is started is started as always."""

    def _execute_child(self, args: Any, *others: Any) -> None:
        command = [os.fspath(argument) for argument in args]
        if command[:2] != [sys.executable, "-m"] or command[2] not in STEPS:
            super()._execute_child(args, *others)  # type: ignore[misc]
            return
        env, pipes = others[5], others[9:15]
        self.pid = os.fork()
        if self.pid == 0:
            _become(command[2:], env, pipes)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def _become(command: list[str], env: dict[str, str], pipes: tuple[int, ...]) -> None:
    """Run a module as `python -m` does, with the child's ends of the pipes. Never returns."""
    status = 1
    try:
        reads, _, _, writes, _, complains = pipes
        ends = [
            end if end != -1 else number for number, end in enumerate((reads, writes, complains))
        ]
        for number, end in enumerate([os.dup(end) for end in ends]):
            os.dup2(end, number)
            os.close(end)
        os.environ.clear()
        os.environ.update(env)
        if threads := env.get("OMP_NUM_THREADS"):
            torch.set_num_threads(int(threads))
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - until it ends
        sys.argv = command
        sys.modules.pop(command[0], None)
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        else:
            status = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - the end of the process, told as Python does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    for name in _IMPORTED:
        importlib.import_module(name)
    subprocess.Popen = ForkedStep  # type: ignore[misc]
    runpy.run_module("worker.bench.gpu", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
