"""Import torch without what describes its operations to compilers: a quarter of the import's time.

`import torch` also imports the rules by which tensors without numbers (the `meta` device) are
computed, and the reference implementations and decompositions that these rules are made of.  They
serve torch.compile, torch.export and the `meta` device, none of which a worker uses.  Whatever
imports them by name afterwards gets the real ones.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_POSTPONED = ("torch._meta_registrations", "torch.distributed._meta_registrations")
_wanted: set[str] = set()
"""Those of them of which something was wanted meanwhile."""


def import_torch() -> None:
    """Import torch, unless it is there by now."""
    if "torch" in sys.modules:
        return
    finder = _Finder()
    sys.meta_path.insert(0, finder)
    try:
        importlib.import_module("torch")
    finally:
        sys.meta_path.remove(finder)
        for name in _POSTPONED:
            _forget(name)


def _forget(name: str) -> None:
    """Let the next import of a postponed module be the real one."""
    if isinstance(sys.modules.get(name), _Postponed):
        del sys.modules[name]
        parent, _, child = name.rpartition(".")
        vars(sys.modules[parent]).pop(child, None)


class _Postponed(ModuleType):
    """Stands for a module until something is wanted of it."""

    def __getattr__(self, attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        _wanted.add(self.__name__)
        _forget(self.__name__)
        return getattr(importlib.import_module(self.__name__), attribute)


class _Finder(MetaPathFinder, Loader):
    """Finds the postponed modules before the file system is searched."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in _POSTPONED and fullname not in _wanted:
            return ModuleSpec(fullname, self)
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Postponed(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing of it is wanted yet."""
