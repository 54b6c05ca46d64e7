"""Folders of speaker encoders with random weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import nn

from worker.demo_model.speaker_tdnn import SpeakerTdnn
from worker.engine.loading.funasr_modules import process_unchanged, register_classes
from worker.model_store.locate import ModelFolder
from worker.model_store.revision import examine

CAMPPLUS_CONF = {
    "feat_dim": 80,
    "embedding_size": 192,
    "growth_rate": 32,
    "bn_size": 4,
    "init_channels": 128,
    "config_str": "batchnorm-relu",
    "memory_efficient": True,
    "output_level": "segment",
}
"""Configuration as the published folder has it."""


def tdnn_folder(folder: Path, **changes: Any) -> ModelFolder:
    """The bundled encoder's kind, a tenth as wide."""
    conf = {"channels": 16, "pooled": 32}
    config = {"model": "SpeakerTdnn", "model_conf": conf, "same_voice_cosine": 0.5, **changes}
    with process_unchanged():
        torch.manual_seed(1)
        network = SpeakerTdnn(**conf)
    return _written(folder, config, network, "model.pt")


def campplus_folder(folder: Path, **conf: Any) -> ModelFolder:
    """CAM++, in its full size unless `conf` says otherwise, laid out as the hub has it: no am.mvn,
    a checkpoint named .bin."""
    network = campplus({**CAMPPLUS_CONF, **conf})
    config = {
        "model": "CAMPPlus",
        "model_conf": {**CAMPPLUS_CONF, **conf},
        "frontend": "WavFrontend",
        "frontend_conf": {"fs": 16000},
    }
    metas = {"init_param": "campplus_cn_common.bin", "config": "config.yaml"}
    folder.mkdir()
    (folder / "configuration.json").write_text(json.dumps({"file_path_metas": metas}))
    return _written(folder, config, network, metas["init_param"])


def campplus(conf: dict[str, Any]) -> nn.Module:
    """FunASR's own network, ready to run."""
    with process_unchanged():
        tables = register_classes(["funasr.models.campplus.model"])
        torch.manual_seed(2)
        network: nn.Module = tables.model_classes["CAMPPlus"](**conf)
        _spread(network)
    return network.eval()


def _spread(network: nn.Module) -> None:
    """Statistics other than those that a new batch norm has, under which a wrong one shows."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.8, 1.2)


def _written(folder: Path, config: dict[str, Any], network: nn.Module, name: str) -> ModelFolder:
    folder.mkdir(exist_ok=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    torch.save(network.state_dict(), folder / name)
    return ModelFolder(folder.name, folder, examine(folder).revision)
