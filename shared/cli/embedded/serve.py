"""`longscribe serve`: start everything and keep it running until a signal stops it."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime

from shared.accounts.set_up import code_unless_set_up
from shared.cli.embedded.stack import running_stack
from shared.settings import Settings

_TEND_EVERY_S = 0.2

_DEMO_MODEL_NOTICE = """\
This is the small bundled model: it knows some 500 characters, as a synthesiser speaks them. For
real recordings use a Paraformer (about 2 GB with its punctuation, downloaded once):

    LONGSCRIBE_MODEL=paraformer-zh make serve
"""


def serve_until_stopped(settings: Settings) -> None:
    """Run the stack until a stop signal. Raises StackFailed if it cannot start."""
    if "model" not in settings.model_fields_set:
        # Works on any machine at once and downloads nothing unasked.
        settings = settings.model_copy(update={"model": "demo"})
    try:
        _say("Starting Longscribe ...")
        with running_stack(settings, _say) as stack:
            print(
                f"\nLongscribe is ready:  {stack.address}\n"
                f"Data folder:          {settings.data_dir.resolve()}\n"
                f"Model:                {settings.model} on {settings.device}\n"
                f"Jobs at once:         {settings.worker_concurrency}\n"
                "Stop it with Ctrl-C.\n",
                flush=True,
            )
            if settings.requires_sign_in and (code := code_unless_set_up(settings)):
                print(
                    f"Nobody has an account yet. Open {stack.address}/set-up and enter this "
                    f"code:  {code}\n",
                    flush=True,
                )
            if settings.uses_demo_model:
                print(_DEMO_MODEL_NOTICE, flush=True)
            try:
                while True:
                    stack.tend()
                    time.sleep(_TEND_EVERY_S)
            except KeyboardInterrupt:
                _say("Stopping; a running job goes back to the queue and keeps what it has ...")
    except KeyboardInterrupt:  # while it was starting
        pass
    _say("Stopped.")


def _say(text: str) -> None:
    # Into a file on a disk that is full, or a pipe that nobody reads any more: the server goes on.
    with suppress(OSError):
        print(f"{datetime.now():%H:%M:%S}  {text}", flush=True)
