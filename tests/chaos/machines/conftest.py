"""Machines at a network, and an installation on them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chaos.machines.installation import MachinesInstallation, machines_installation
from tests.chaos.machines.network import CannotMakeMachines, Network
from tests.support.thorough import IS_THOROUGH

if TYPE_CHECKING:
    from tests.support.s3.server import S3Server

NAMES = ("north", "south")


@pytest.fixture
def network() -> Iterator[Network]:
    try:
        made = Network(*NAMES)
    except CannotMakeMachines as error:
        reason = (
            "network namespaces cannot be made here, which takes root (CAP_NET_ADMIN and "
            f"CAP_SYS_ADMIN), unshare, nsenter and ip (util-linux, iproute2): {error}"
        )
        # Programs can be installed. A kernel or a container that refuses namespaces to root cannot
        # be helped from here, so that machine runs all tests but these, and counts them as skipped.
        if IS_THOROUGH and not all(map(shutil.which, ("ip", "nsenter", "unshare"))):
            pytest.fail(reason)
        pytest.skip(reason)
    yield made
    made.close()


@pytest.fixture
def machines(
    tmp_path: Path, network: Network, s3_server: S3Server
) -> Iterator[MachinesInstallation]:
    """An installation across machines, with no worker yet. Every test ends with all of its jobs."""
    with machines_installation(tmp_path / "stack", network, s3_server) as made:
        yield made
        assert made.broken_promises() == []
