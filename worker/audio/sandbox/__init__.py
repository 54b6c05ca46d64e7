"""The sandbox of every process that handles a recording's bytes or sound: docs/sandbox.md.

`guard` sets limits and `seccomp` leaves a process the few system calls of its `Role`; both run in
that process.  `check` finds out whether this machine has the filter at all.
"""
