"""Where the `longscribe` command begins."""

from __future__ import annotations

from shared.interrupts import interrupts_end_the_process


def main() -> None:
    """Import the commands, and carry out the one that is asked for."""
    with interrupts_end_the_process():
        from shared.cli.main import app
    app()
