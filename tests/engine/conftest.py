"""What loading a model costs beside other tests of its process."""

from __future__ import annotations

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def only_new_objects_are_garbage() -> None:
    """Take what is there now out of each later look for garbage.

    Loading a model ends with such a look. Among all that other files of tests left in the process
    (compiled statements, applications, imported modules) it takes longer than the loading.
    """
    gc.collect()
    gc.freeze()
