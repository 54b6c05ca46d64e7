"""The key that signs the session cookie, with it the forms' CSRF tokens, and the set-up code."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from shared.settings import Settings


def session_secret(settings: Settings) -> str:
    """The key from the settings, or one made once and kept in the data folder."""
    return settings.secret_key.get_secret_value() or _kept_secret(settings.data_dir / "secret_key")


def _kept_secret(path: Path) -> str:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # 0o660: the umask takes the group's part away, unless a group shares the folder.
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
        try:
            # A link appears with its content, and fails if another process was first: all
            # processes then sign with the same key.
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()
