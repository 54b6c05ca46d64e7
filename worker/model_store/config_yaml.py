"""config.yaml of a FunASR model folder."""

from __future__ import annotations

import copy
import io
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from shared.errors import ModelUnavailable

CONFIG = "config.yaml"

_AGAIN = "Download the model again."


class ConfigUnreadable(ModelUnavailable):
    """A config.yaml that cannot be used."""

    def __init__(self, message: str | None = None, *, reason: str = "cannot be used") -> None:
        super().__init__(message)
        self.reason = reason
        """Follows the file's name: 'is not YAML: ...'."""


def _unreadable(path: Path, reason: str, next_step: str = _AGAIN) -> ConfigUnreadable:
    return ConfigUnreadable(f"The model's {path} {reason}. {next_step}", reason=reason)


@lru_cache(maxsize=8)
def _parsed(text: str) -> Any:
    """Parse a config.yaml. Results are cached: loading a model reads each several times, and YAML
    is slow."""
    config = yaml.safe_load(text)
    if isinstance(config, dict):
        config = OmegaConf.to_container(OmegaConf.load(io.StringIO(text)), resolve=True)
    return config


def read_config(folder: Path) -> dict[str, Any]:
    """The mapping in a folder's config.yaml, as FunASR reads it: 1e-4 is a number, ${...} a value.

    Raises ConfigUnreadable with the folder, the reason and what to do if the file is missing,
    cannot be read, is not YAML or not a mapping.
    """
    path = folder / CONFIG
    try:
        config = copy.deepcopy(_parsed(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise _unreadable(
            path,
            f"cannot be read: {error.strerror or error}",
            "Check the folder and its permissions.",
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError, OmegaConfBaseException, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise _unreadable(path, f"is not YAML that can be read: {reason}") from error
    if not isinstance(config, dict):
        top = type(config).__name__
        raise _unreadable(path, f"holds no settings (its top level is {top}, not a mapping)")
    return config
