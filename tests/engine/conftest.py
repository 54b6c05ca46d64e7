"""What a test of the engine must not take over from other tests of its process."""

from __future__ import annotations

import gc

import pytest
import torch


@pytest.fixture(autouse=True, scope="module")
def only_new_objects_are_garbage() -> None:
    """Take what is there now out of each later look for garbage.

    Loading a model ends with such a look. Among all that other files of tests left in the process
    (compiled statements, applications, imported modules) it takes longer than the loading.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Compute on one thread, whatever the test before had.

    Two that wait for each other take up to twice the processor time, which other tests need.
    """
    torch.set_num_threads(1)
