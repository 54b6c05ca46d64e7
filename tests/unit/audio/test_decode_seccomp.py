"""The filter's program, run by hand on both processors that we know."""

from __future__ import annotations

import errno
import struct

import pytest

from worker.audio.decoder.seccomp import SeccompUnavailable, build_filter

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386 = 0x40000003
X32_BIT = 0x40000000

# From the kernel's tables, not from ours.
NEEDED = {"x86_64": [0, 1, 3, 9, 231], "aarch64": [63, 64, 57, 222, 94]}
FORBIDDEN = {
    # open openat openat2 socket connect sendto bind clone clone3 fork vfork execve execveat kill
    # ptrace unlink rename io_uring_setup prlimit64 process_vm_readv
    "x86_64": [
        2,
        257,
        437,
        41,
        42,
        44,
        49,
        56,
        435,
        57,
        58,
        59,
        322,
        62,
        101,
        87,
        82,
        425,
        302,
        310,
    ],
    "aarch64": [56, 437, 198, 203, 206, 200, 220, 435, 221, 281, 129, 117, 35, 38, 425, 261, 270],
}


def verdict(program: bytes, architecture: int, number: int) -> int:
    """Run the three kinds of instruction that the filter consists of."""
    instructions = list(struct.iter_unpack("HBBI", program))
    at, loaded = 0, 0
    while True:
        code, if_equal, otherwise, operand = instructions[at]
        at += 1
        if code == 0x20:
            loaded = {0: number, 4: architecture}[operand]
        elif code == 0x15:
            at += if_equal if loaded == operand else otherwise
        else:
            assert code == 0x06
            return int(operand)


@pytest.mark.parametrize("machine", ARCHITECTURE)
def test_listed_calls_pass_and_all_others_are_refused(machine: str) -> None:
    program, architecture = build_filter(machine), ARCHITECTURE[machine]
    assert {verdict(program, architecture, n) for n in NEEDED[machine]} == {ALLOW}
    assert {verdict(program, architecture, n) for n in FORBIDDEN[machine]} == {REFUSE}
    # Calls that kernels yet to come will bring.
    assert {verdict(program, architecture, n) for n in range(440, 1000)} == {REFUSE}


@pytest.mark.parametrize("machine", ARCHITECTURE)
def test_numbers_of_another_architecture_are_refused(machine: str) -> None:
    program = build_filter(machine)
    for number in NEEDED[machine]:
        assert verdict(program, I386, number) == REFUSE
        assert verdict(program, ARCHITECTURE[machine], number | X32_BIT) == REFUSE


def test_an_unknown_processor_is_said_to_be_unknown() -> None:
    with pytest.raises(SeccompUnavailable, match="riscv64"):
        build_filter("riscv64")
