"""`python -m worker.minutes`, which `longscribe minutes-worker` becomes."""

from __future__ import annotations

import logging
import sys

from shared.interrupts import interrupts_end_the_process

with interrupts_end_the_process():
    from shared.logs import configure_logging
    from shared.private_files import take_umask
    from shared.settings import load_settings
    from shared.settings.environment import InvalidSettings
    from worker.minutes.process import run_until_signal


def main() -> None:
    """Run until a signal, or exit with one line where nothing is set up."""
    try:
        settings = load_settings()
    except InvalidSettings as error:
        sys.exit(error.message)
    if not settings.writes_minutes:
        sys.exit(
            "No language model is set up. Set LONGSCRIBE_MINUTES_URL and LONGSCRIBE_MINUTES_MODEL."
        )
    take_umask(settings)
    configure_logging(settings)
    logging.captureWarnings(True)
    run_until_signal(settings)


if __name__ == "__main__":
    main()
