"""The web application, whose process is killed once at a moment of a submission.

DIES: before_commit (the recording is kept, its job is not) or before_ring (both are, and nobody was
told).
DIES_ONCE: a file; it is made when that happens, and then no more happens.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from shared import jobs
from web.app import create_app as create_app
from web.uploads import submission

_submit, _ring = jobs.submit, submission.ring


def _die_if(moment: str) -> None:
    if os.environ["DIES"] == moment:
        try:
            Path(os.environ["DIES_ONCE"]).touch(exist_ok=False)
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


def _dying_submit(*args: Any, **values: Any) -> jobs.Submission:
    _die_if("before_commit")
    return _submit(*args, **values)


def _dying_ring(*args: Any) -> bool:
    _die_if("before_ring")
    return _ring(*args)


jobs.submit = _dying_submit
submission.ring = _dying_ring
