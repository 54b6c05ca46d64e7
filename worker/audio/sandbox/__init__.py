"""The sandbox of every process that handles a recording's bytes or sound: docs/sandbox.md.

`resource_limits` limits what a process may take, and `seccomp` leaves it the few system calls of
its `Role`; both run in that process.  `check` finds out whether this machine has the filter at all.
"""
