"""CAM++ laid out for a processor computes what FunASR's own module does, window by window."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.speech.speaker_folders import CAMPPLUS_CONF, campplus, campplus_folder
from worker.engine.speakers.campplus import Campplus, can_run
from worker.engine.speakers.features import WINDOW_FRAMES
from worker.engine.speakers.load_network import load_speaker_network

CPU = torch.device("cpu")
NARROW = {"growth_rate": 8, "init_channels": 32}
WINDOWS = 27


def with_any_scale(network: nn.Module) -> Any:
    """Batch norms that multiply by numbers below 0 too, by hardly anything and by 0."""
    torch.manual_seed(4)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) and module.affine:
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
            with torch.no_grad():
                module.weight[:6] = torch.tensor([0.0, -0.0, 1e-42, -1e-30, 1e-25, -1e-7])
    return network.requires_grad_(False)


def heard() -> Tensor:
    """More windows than go through the dense layers together."""
    shape = WINDOWS, WINDOW_FRAMES, 80
    features = torch.randn(*shape, generator=torch.Generator().manual_seed(3))
    return features.cumsum(dim=1) / 10


@pytest.mark.parametrize("conf", [{}, NARROW, {"growth_rate": 12, "bn_size": 3}])
@torch.inference_mode()
def test_a_vector_is_funasrs(conf: dict[str, Any]) -> None:
    network = with_any_scale(campplus({**CAMPPLUS_CONF, **conf}))
    assert can_run(network, WINDOW_FRAMES)
    features = heard()[:5]
    theirs = network(features)
    packed = Campplus(network)
    for _ in range(2):  # what the first pass leaves behind is no part of the second
        ours = packed(features)
        apart = (ours - theirs).norm(dim=1) / theirs.norm(dim=1)
        assert apart.max() < 1e-5
        features, theirs = features.flip(0), theirs.flip(0)
    assert (theirs[0] - theirs[1]).norm() > 1e-3 * theirs[0].norm()  # the network hears something


@pytest.mark.parametrize("threads", [1, 3])
@torch.inference_mode()
def test_a_vector_is_the_same_among_however_many(threads: int) -> None:
    """To the last bit, as passes of several sizes ask for."""
    torch.set_num_threads(threads)
    packed = Campplus(with_any_scale(campplus(CAMPPLUS_CONF)))
    features = heard()
    together = packed(features)
    for first, last in ((3, 4), (0, 2), (5, 8), (1, 8), (6, 19), (1, 25), (0, 24)):
        assert torch.equal(packed(features[first:last]), together[first:last]), (first, last)


@torch.inference_mode()
def test_images_come_before_rows_and_rows_in_parts_of_one_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Else oneDNN, which keeps few kernels, makes all of them anew for every part."""
    packed = Campplus(campplus({**CAMPPLUS_CONF, **NARROW}))
    order: list[str] = []

    def noted(name: str) -> None:
        method = getattr(packed, name)

        def run(given: Tensor) -> Tensor:
            order.append(f"{name} {len(given)}")
            done: Tensor = method(given)
            return done

        monkeypatch.setattr(packed, name, run)

    noted("_rows_of")
    noted("_vectors")
    assert len(packed(heard())) == WINDOWS
    assert order == ["_rows_of 1"] * WINDOWS + ["_vectors 14"] * 2


@pytest.mark.parametrize(
    "conf", [{"config_str": "batchnorm-prelu"}, {"config_str": "relu-batchnorm"}]
)
@torch.inference_mode()
def test_what_is_not_published_so_is_run_as_funasrs_module(
    tmp_path: Path, conf: dict[str, Any]
) -> None:
    folder = campplus_folder(tmp_path / "campplus", **NARROW, **conf)
    network = load_speaker_network(folder, CPU)
    assert not isinstance(network.model, Campplus)
    assert not network.is_batch_invariant
    features = heard()[:2]
    theirs = campplus({**CAMPPLUS_CONF, **NARROW, **conf})(features)
    assert torch.allclose(network.model(features), theirs, rtol=1e-5, atol=1e-6)


def test_windows_of_several_segments_are_left_to_funasr() -> None:
    network = campplus({**CAMPPLUS_CONF, **NARROW})
    assert can_run(network, 200)
    assert not can_run(network, 201)


@pytest.mark.parametrize("bins", [64, 96])
def test_another_number_of_bins_is_left_to_funasr(bins: int) -> None:
    assert not can_run(campplus({**CAMPPLUS_CONF, **NARROW, "feat_dim": bins}), WINDOW_FRAMES)
