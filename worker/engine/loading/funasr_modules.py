"""FunASR's classes, imported without the rest of FunASR and without its effects on the process."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import logging
import pkgutil
import random
import sys
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch


def register_classes(modules: Iterable[str]) -> Any:
    """Import those of FunASR's modules; its tables of classes by the names that config.yaml uses.

    `import funasr` imports every model that it ships and swallows 33 failures on the way: 4 CPU
    seconds and 160 MB more than this.
    """
    if importlib.util.find_spec("distutils") is None:
        # FunASR imports it, Python 3.12 is without it, and setuptools brings one when imported.
        importlib.import_module("setuptools")
    if "funasr" not in sys.modules:
        walk_packages = pkgutil.walk_packages
        pkgutil.walk_packages = lambda *_, **__: iter(())
        try:
            importlib.import_module("funasr")
        finally:
            pkgutil.walk_packages = walk_packages
    register = importlib.import_module("funasr.register")
    with _lines_uncounted(register):
        for module in modules:
            importlib.import_module(module)
    return register.tables


@contextlib.contextmanager
def _lines_uncounted(register: Any) -> Iterator[None]:
    """Note no line for a class that is registered.

    FunASR notes it for a list that it can print, and parses a whole module for each class: a third
    of the time that loading a model takes.
    """
    inspecting = register.inspect
    register.inspect = SimpleNamespace(getfile=inspecting.getfile, getsourcelines=lambda _: ([], 0))
    try:
        yield
    finally:
        register.inspect = inspecting


@contextlib.contextmanager
def process_unchanged() -> Iterator[None]:
    """Undo what FunASR does to the whole process: log level, threads, random generators."""
    root = logging.getLogger()
    level, handlers, threads = root.level, list(root.handlers), torch.get_num_threads()
    python_random, numpy_random, torch_random = (
        random.getstate(),
        np.random.get_state(),
        torch.random.get_rng_state(),
    )
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers[:] = handlers
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        random.setstate(python_random)
        np.random.set_state(numpy_random)
        torch.random.set_rng_state(torch_random)
