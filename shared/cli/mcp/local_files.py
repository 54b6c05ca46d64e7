"""Files of this machine that a model may send to the server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from shared.errors import LongscribeError


class FileNotAllowed(LongscribeError):
    code = "file_not_allowed"


def allowed_file(name: str, folders: Sequence[Path]) -> Path:
    """The file of this name, if it lies below one of `folders` and nothing on its way is hidden,
    as keys and settings are: a model may have been talked into asking for them.

    Raises FileNotAllowed.
    """
    below = ", ".join(str(folder) for folder in folders)
    try:
        path = Path(name).expanduser()
        if not path.is_absolute():
            raise FileNotAllowed(f"Give the whole path of a file below {below}.")
        real = path.resolve(strict=True)
        roots = [folder.resolve() for folder in folders]
        is_file = real.is_file()
    except (OSError, ValueError, RuntimeError):
        raise FileNotAllowed(f"There is no file '{name[:200]}' that can be read.") from None
    inside = next((root for root in roots if real.is_relative_to(root)), None)
    if inside is None:
        raise FileNotAllowed(
            f"Only files below {below} may be sent. Start `longscribe mcp` with --files FOLDER to "
            "allow another folder."
        )
    if any(part.startswith(".") for part in real.relative_to(inside).parts):
        raise FileNotAllowed("Hidden files, and files in hidden folders, are not sent.")
    if not is_file:
        raise FileNotAllowed(f"'{name[:200]}' is no file.")
    return real
