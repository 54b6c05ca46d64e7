"""config.yaml of a FunASR model folder."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from shared.errors import ModelUnavailable

CONFIG = "config.yaml"


def read_config(folder: Path) -> dict[str, Any]:
    """The mapping in a folder's config.yaml, as FunASR reads it: 1e-4 is a number, ${...} a value.

    Raises ModelUnavailable with the folder, the reason and what to do if the file is missing,
    cannot be read, is not YAML or not a mapping.
    """
    path = folder / CONFIG
    try:
        text = path.read_text(encoding="utf-8")
        config = yaml.safe_load(text)
        if isinstance(config, dict):
            config = OmegaConf.to_container(OmegaConf.load(io.StringIO(text)), resolve=True)
    except OSError as error:
        raise ModelUnavailable(
            f"The model's {path} cannot be read: {error.strerror or error}. Check the folder and "
            "its permissions."
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError, OmegaConfBaseException) as error:
        reason = " ".join(str(error).split())
        raise ModelUnavailable(
            f"The model's {path} is not YAML that can be read: {reason}. Download the model again."
        ) from error
    if not isinstance(config, dict):
        raise ModelUnavailable(
            f"The model's {path} holds no settings (its top level is "
            f"{type(config).__name__}, not a mapping). Download the model again."
        )
    return config
