"""Errors of loading a model, each in one line: the folder, the reason and the next step."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from shared.errors import LongscribeError, ModelUnavailable, in_a_line
from worker.engine.device import is_out_of_memory
from worker.model_store.locate import ModelFolder
from worker.recogniser import BatchOutOfMemory


def unusable(folder: ModelFolder, reason: str) -> ModelUnavailable:
    """The files of `folder` are not what they have to be; other copies of them would be."""
    return ModelUnavailable(
        f"The model {folder.name} in {folder.path} cannot be used: {reason}. "
        + _get_it_again(folder)
    )


def _get_it_again(folder: ModelFolder) -> str:
    if folder.is_hubs:
        return f"Get it again with: longscribe models download --again {folder.name}"
    return "Copy the whole folder again from where it came, or choose another model."


@contextlib.contextmanager
def failures_explained(folder: ModelFolder, doing: str) -> Iterator[None]:
    """Turn whatever FunASR, torch or Python raise on a broken folder into ModelUnavailable.

    `doing` completes 'Longscribe fails to ...'.  Memory that ran out is not the folder's fault and
    passes unchanged.
    """
    try:
        yield
    except LongscribeError:
        raise
    except (BatchOutOfMemory, MemoryError):
        raise
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise unusable(folder, f"{where}{error.strerror or error}") from error
    except Exception as error:
        # A wrong value in config.yaml can surface as any of Python's own errors: TypeError,
        # KeyError, AttributeError, AssertionError, IndexError, pickle's and torch's.
        if is_out_of_memory(error):
            raise
        raise unusable(folder, f"Longscribe fails to {doing} ({in_a_line(error)})") from error
