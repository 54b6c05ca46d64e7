"""The web process is small: it never loads the model's libraries."""

from __future__ import annotations

import subprocess
import sys

_SCRIPT = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "funasr", "numpy", "av", "worker"}:
            raise ImportError(f"{name} has no place in the web process")

sys.meta_path.insert(0, Blocked())
import web.app
import web.gunicorn_settings
"""


def test_the_web_application_imports_without_torch_funasr_numpy_and_worker() -> None:
    done = subprocess.run([sys.executable, "-c", _SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
