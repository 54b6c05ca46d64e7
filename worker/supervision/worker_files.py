"""The small files by which the processes of a worker tell each other, and the doctor, how they are.

They lie in LONGSCRIBE_HEALTH_DIR, by default in the temporary folder and not beside the recordings:
a worker tells that the storage is gone when the storage is gone.

    MAIN.json        the health file of a worker, MAIN being the process id of its main process
    MAIN.draft       the same, before it is given its name
    MAIN.device      the failures of its device (`worker.supervision.device_failure_record`)
    MAIN.lock        held while that is written
    MAIN.model       what the model is able to do that its children loaded
    MAIN.no-model    there since a child found that it has no model to load
    MAIN.PID.child   what its child PID is doing
    MAIN.PID.counts  what that child has done (`worker.monitoring.counts`)
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path

from shared.states import Obstacle

_READY = "ready"


def health_folder(folder: Path) -> Path:
    """Make the folder, for this user alone. Raises OSError, also if it is somebody else's."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to another user; set LONGSCRIBE_HEALTH_DIR")
    return folder


def health_file(folder: Path, main_pid: int) -> Path:
    return folder / f"{main_pid}.json"


def device_file(folder: Path, main_pid: int) -> Path:
    return folder / f"{main_pid}.device"


def tell_child_state(folder: Path, main_pid: int, obstacle: Obstacle | None) -> None:
    """Tell what keeps this child from work; None: nothing does. A disk that is full tells
    nothing."""
    with contextlib.suppress(OSError):
        path = health_folder(folder) / f"{main_pid}.{os.getpid()}.child"
        path.write_text(_READY if obstacle is None else obstacle.value)


def child_states(folder: Path, main_pid: int) -> dict[int, Obstacle | None]:
    """Last reported state of each child by its process id, dead children included."""
    found: dict[int, Obstacle | None] = {}
    for path in folder.glob(f"{main_pid}.*.child"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(path.name.split(".")[1])
            said = path.read_text()
            # One that a full disk left empty lives all the same.
            known = said in Obstacle._value2member_map_
            found[pid] = None if said == _READY else Obstacle(said) if known else Obstacle.STARTING
    return found


def tell_model(folder: Path, main_pid: int, *, takes_hotwords: bool) -> None:
    """Tell what the loaded model is able to do. A disk that is full tells nothing."""
    with contextlib.suppress(OSError):
        path = health_folder(folder) / f"{main_pid}.model"
        path.write_text(json.dumps({"takes_hotwords": takes_hotwords}))


def model_takes_hotwords(folder: Path, main_pid: int) -> bool | None:
    """Return whether the loaded model takes hotwords; None until a child has reported it."""
    try:
        told = json.loads((folder / f"{main_pid}.model").read_text())
    except (OSError, ValueError):
        return None
    takes = told.get("takes_hotwords") if isinstance(told, dict) else None
    return takes if isinstance(takes, bool) else None


def tell_no_model(folder: Path, main_pid: int) -> None:
    """Tell other children that there is no model to load. A disk that is full tells nothing."""
    with contextlib.suppress(OSError):
        (health_folder(folder) / f"{main_pid}.no-model").touch()


def has_no_model(folder: Path, main_pid: int) -> bool:
    """Return whether a child of this worker has reported that there is no model."""
    return (folder / f"{main_pid}.no-model").exists()


def forget_child(folder: Path, main_pid: int, pid: int) -> None:
    with contextlib.suppress(OSError):
        (folder / f"{main_pid}.{pid}.child").unlink(missing_ok=True)


def remove_files(folder: Path, main_pid: int) -> None:
    """Remove a worker's files: at its end, and before it begins, for process ids come again."""
    for path in [*folder.glob(f"{main_pid}.*")] if folder.is_dir() else []:
        with contextlib.suppress(OSError):
            path.unlink()
