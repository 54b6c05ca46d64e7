"""Machines in network namespaces of their own, at one switch, whose cables can be pulled.

The kernel drops a namespace with the last process in it, and with the namespace its interfaces: a
run of the tests that is killed leaves nothing behind.
"""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from tests.support.stack import wait_for
from tests.support.zygote.parent_death import die_with_parent

T = TypeVar("T")

_NETWORK = "10.77.0"
ADDRESSES = f"{_NETWORK}.0/24"
_CLONE_NEWNET = 0x40000000


class Cut(StrEnum):
    """How a link is cut. Nobody is told of either: no connection is refused or reset."""

    UNPLUGGED = "unplugged"
    """The machine sees that its cable has no carrier."""
    SWALLOWED = "swallowed"
    """Packets vanish on their way, as in a firewall or a switch that hangs."""


class CannotMakeMachines(Exception):
    """The kernel, the rights of this process or a missing program do not let us."""


class Machine:
    """A network namespace and a host name; `address` is its own on the network."""

    def __init__(self, name: str, number: int) -> None:
        self.name = name
        self.address = f"{_NETWORK}.{number}"
        self._holder = _held_namespace(name)
        # Of all its threads, a process may send one elsewhere; and a process that it starts there
        # ends with it (`die_with_parent`).
        self._thread = ThreadPoolExecutor(1, name, self._enter)
        self.entering = [
            "nsenter",
            *(f"--{kind}=/proc/{self._holder.pid}/ns/{kind}" for kind in ("net", "uts")),
            "--",
        ]
        """Beginning of a command line that runs a command here."""

    @property
    def pid(self) -> int:
        """Of a process that runs here for as long as the machine is there."""
        return self._holder.pid

    def ip(self, *lines: str) -> None:
        """Carry out lines of `ip -batch`. Raises CannotMakeMachines."""
        try:
            done = subprocess.run(
                [*self.entering, "ip", "-batch", "-"],
                input="\n".join(lines),
                capture_output=True,
                text=True,
            )
        except OSError as error:
            raise CannotMakeMachines(str(error)) from error
        if done.returncode:
            raise CannotMakeMachines(f"ip: {done.stderr.strip() or done.returncode}")

    def call(self, function: Callable[[], T]) -> T:
        """What `function` returns, called on this machine: what it starts runs there, and what
        sockets it makes are that machine's, whoever uses them later."""
        return self._thread.submit(function).result()

    def forget_soon(self) -> None:
        """Have the kernel here give connections up whose process has ended, within a second or two
        and not minutes, as those of a machine that lost its power are gone at once."""
        retries = Path("/proc/sys/net/ipv4/tcp_orphan_retries")
        self.call(lambda: retries.write_text("1"))

    def connections_to(self, port: int) -> int:
        """How many there are at that port of this machine, also those that are being closed."""
        listens = "0A"
        return sum(
            fields[1].endswith(f":{port:04X}") and fields[3] != listens
            for fields in self._connections()
        )

    def unanswered_within_s(self, port: int) -> list[float]:
        """Of each idle connection of this machine to that port: in how many seconds the kernel will
        ask whether there is still somebody. None of those whose kernel will never ask."""
        keepalive, ticks = "02", os.sysconf("SC_CLK_TCK")
        found = []
        for fields in self._connections():
            timer, _, due = fields[5].partition(":")
            if fields[2].endswith(f":{port:04X}") and timer == keepalive:
                found.append(int(due, 16) / ticks)
        return found

    def _connections(self) -> list[list[str]]:
        """The lines of Linux' table of TCP connections, in fields."""
        table = Path(f"/proc/{self.pid}/net/tcp").read_text()
        return [line.split() for line in table.splitlines()[1:]]

    def listening(self, port: int) -> socket.socket:
        """A socket that listens at this machine's address."""
        return self.call(lambda: socket.create_server((self.address, port)))

    def _enter(self) -> None:
        namespace = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            if ctypes.CDLL(None, use_errno=True).setns(namespace, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(namespace)

    def close(self) -> None:
        self._thread.shutdown()
        self._holder.kill()
        self._holder.wait()


class Network:
    """A machine for servers, which is the switch too, and others at it. Raises CannotMakeMachines.

    All of it is apart from the network of the machine that runs the tests.
    """

    def __init__(self, *names: str) -> None:
        self.machines: dict[str, Machine] = {}
        self.servers = Machine("servers", 1)
        try:
            self.servers.ip(
                "link set lo up",
                "link add lan type bridge forward_delay 0",
                f"address add {self.servers.address}/24 dev lan",
                "link set lan up",
            )
            for number, name in enumerate(names, start=11):
                machine = self.machines[name] = Machine(name, number)
                self.servers.ip(
                    f"link add {name} type veth peer name eth0 netns {machine.pid}",
                    f"link set {name} master lan up",
                )
                machine.ip(
                    "link set lo up",
                    f"address add {machine.address}/24 dev eth0",
                    "link set eth0 up",
                )
        except BaseException:
            self.close()
            raise

    def cut(self, name: str, how: Cut) -> None:
        """Cut that machine off from all others."""
        ways = {Cut.UNPLUGGED: f"link set {name} down", Cut.SWALLOWED: f"link set {name} nomaster"}
        self.servers.ip(ways[how])

    def mend(self, name: str) -> None:
        """Undo `cut`, whichever way it was done."""
        self.servers.ip(f"link set {name} up", f"link set {name} master lan")

    def close(self) -> None:
        for machine in (*self.machines.values(), self.servers):
            machine.close()


def _held_namespace(name: str) -> subprocess.Popen[bytes]:
    """A process in namespaces of its own. Raises CannotMakeMachines."""
    naming = f"echo {name} >/proc/sys/kernel/hostname && exec sleep infinity"
    try:
        process = subprocess.Popen(
            ["unshare", "--net", "--uts", "--", "sh", "-c", naming],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            preexec_fn=die_with_parent,
        )
    except OSError as error:
        raise CannotMakeMachines(str(error)) from error

    def is_ready() -> bool:
        if process.poll() is not None:
            assert process.stderr is not None
            raise CannotMakeMachines(process.stderr.read().decode().strip())
        return Path(f"/proc/{process.pid}/cmdline").read_text().startswith("sleep")

    wait_for(is_ready, what=f"the namespaces of {name}")
    return process
