"""The filter's program, run by hand on both processors that we know, for each role."""

from __future__ import annotations

import errno
import struct

import pytest

from worker.audio.sandbox.seccomp import SeccompUnavailable, build_filter
from worker.audio.sandbox.system_calls import Role

ALLOW = 0x7FFF0000
REFUSE = 0x00050000 | errno.EPERM
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
I386 = 0x40000003
X32_BIT = 0x40000000

# From the kernel's tables, not from ours.
NEEDED = {"x86_64": [0, 1, 3, 9, 231], "aarch64": [63, 64, 57, 222, 94]}
FORBIDDEN = {
    # open openat openat2 socket connect sendto bind clone clone3 fork vfork execve execveat kill
    # ptrace unlink rename io_uring_setup prlimit64 process_vm_readv; then newfstatat fcntl ioctl
    # tgkill rt_sigqueueinfo pidfd_send_signal prctl memfd_create bpf userfaultfd keyctl
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
        *(262, 72, 16, 234, 129, 424, 157, 319, 321, 323, 250),
    ],
    "aarch64": [
        *(56, 437, 198, 203, 206, 200, 220, 435, 221, 281, 129, 117, 35, 38, 425, 261, 270),
        *(79, 25, 29, 131, 138, 424, 167, 279, 280, 282, 219),
    ],
}


# (number, argument, values that pass, values that do not)
JUDGED = {
    "x86_64": [
        (1, 0, [1, 2], [0, 3, 7, 2**31]),  # write
        (9, 2, [0, 1, 3], [4, 5, 7]),  # mmap: PROT_EXEC is 4
        (10, 2, [0, 1, 3], [4, 5, 7]),  # mprotect
        (204, 0, [0], [1, 4711]),  # sched_getaffinity: of this process
        (228, 0, [0, 1, 3, 7], [2**32 - 4711, 8]),  # clock_gettime: not another's clock
    ],
    "aarch64": [
        (64, 0, [1, 2], [0, 3, 7, 2**31]),
        (222, 2, [0, 1, 3], [4, 5, 7]),
        (226, 2, [0, 1, 3], [4, 5, 7]),
        (123, 0, [0], [1, 4711]),
        (113, 0, [0, 1, 3, 7], [2**32 - 4711, 8]),
    ],
}
MAKES_A_FILE = {"x86_64": 18, "aarch64": 68}  # pwrite64
EITHER = pytest.mark.parametrize("machine", ARCHITECTURE)
ROLES = pytest.mark.parametrize("role", Role)


def verdict(program: bytes, architecture: int, number: int, arguments: dict[int, int]) -> int:
    """Run the four kinds of instruction that the filter consists of. An argument that is not given
    is 0."""
    instructions = list(struct.iter_unpack("HBBI", program))
    at, loaded = 0, 0
    while True:
        code, if_true, otherwise, operand = instructions[at]
        at += 1
        if code == 0x20:
            number_or_architecture = {0: number, 4: architecture}
            if operand in number_or_architecture:
                loaded = number_or_architecture[operand]
            else:
                assert (operand - 16) % 8 == 0  # the lower half of an argument
                loaded = arguments.get((operand - 16) // 8, 0)
        elif code == 0x15:
            at += if_true if loaded == operand else otherwise
        elif code == 0x45:
            at += if_true if loaded & operand else otherwise
        else:
            assert code == 0x06
            return int(operand)


@EITHER
@ROLES
def test_listed_calls_pass_and_all_others_are_refused(machine: str, role: Role) -> None:
    program, architecture = build_filter(machine, role), ARCHITECTURE[machine]
    to_the_output = {0: 1}
    assert {verdict(program, architecture, n, to_the_output) for n in NEEDED[machine]} == {ALLOW}
    assert {verdict(program, architecture, n, {}) for n in FORBIDDEN[machine]} == {REFUSE}
    # Calls that kernels yet to come will bring.
    assert {verdict(program, architecture, n, {}) for n in range(440, 1000)} == {REFUSE}


@EITHER
@ROLES
def test_what_is_listed_passes_with_some_arguments_only(machine: str, role: Role) -> None:
    program, architecture = build_filter(machine, role), ARCHITECTURE[machine]
    for number, argument, passing, refused in JUDGED[machine]:
        verdicts = {
            value: verdict(program, architecture, number, {argument: value})
            for value in [*passing, *refused]
        }
        assert verdicts == dict.fromkeys(passing, ALLOW) | dict.fromkeys(refused, REFUSE), number


@EITHER
def test_only_the_encoder_writes_into_a_file_and_into_its_own(machine: str) -> None:
    number, architecture = MAKES_A_FILE[machine], ARCHITECTURE[machine]
    encoder, decoder = (build_filter(machine, role) for role in (Role.ENCODER, Role.DECODER))
    assert verdict(encoder, architecture, number, {0: 1}) == ALLOW
    assert verdict(encoder, architecture, number, {0: 0}) == REFUSE
    assert verdict(decoder, architecture, number, {0: 1}) == REFUSE


@EITHER
@ROLES
def test_numbers_of_another_architecture_are_refused(machine: str, role: Role) -> None:
    program = build_filter(machine, role)
    for number in NEEDED[machine]:
        assert verdict(program, I386, number, {0: 1}) == REFUSE
        assert verdict(program, ARCHITECTURE[machine], number | X32_BIT, {0: 1}) == REFUSE


def test_an_unknown_processor_is_said_to_be_unknown() -> None:
    with pytest.raises(SeccompUnavailable, match="riscv64"):
        build_filter("riscv64", Role.DECODER)
