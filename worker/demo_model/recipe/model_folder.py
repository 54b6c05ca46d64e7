"""Folders that funasr.AutoModel loads without a hub."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml


def write_folder(
    folder: Path,
    config: Mapping[str, Any],
    state: Mapping[str, torch.Tensor],
    *,
    tokens: Sequence[str] = (),
    mean: np.ndarray | None = None,
    deviation: np.ndarray | None = None,
    half: bool = True,
) -> None:
    """Write a folder that funasr.AutoModel loads: config.yaml and model.pt, and tokens.json and
    am.mvn, which it finds by name. half: float16 halves the file, and loads into float32."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {k: v.half() if half and v.is_floating_point() else v for k, v in state.items()}
    torch.save(weights, folder / "model.pt")
    text = yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    if tokens:
        (folder / "tokens.json").write_text(json.dumps(list(tokens), ensure_ascii=False))
    if mean is not None and deviation is not None:
        (folder / "am.mvn").write_text(_kaldi_normalisation(mean, deviation))


def _kaldi_normalisation(mean: np.ndarray, deviation: np.ndarray) -> str:
    """Kaldi's text form of (x - mean) / deviation, which is what FunASR parses."""

    def component(name: str, values: np.ndarray) -> str:
        numbers = " ".join(f"{value:.6g}" for value in values)
        return f"<{name}> {len(values)} {len(values)}\n<LearnRateCoef> 0 [ {numbers} ]\n"

    splice = f"<Splice> {len(mean)} {len(mean)}\n[ 0 ]\n"
    shift, scale = component("AddShift", -mean), component("Rescale", 1 / deviation)
    return f"<Nnet>\n{splice}{shift}{scale}</Nnet>\n"
