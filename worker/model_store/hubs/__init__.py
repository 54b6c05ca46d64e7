"""The two hubs that models come from, each by its own client."""

from __future__ import annotations

from pathlib import Path

from shared.errors import ModelUnavailable
from worker.model_store.hubs.hub import Hub
from worker.model_store.known import HubName


def open_hub(name: HubName) -> Hub:
    """The client of a hub; each is imported only where it is used. Raises ModelUnavailable for an
    account without a home, in which both keep files whatever else is set."""
    try:
        Path.home()
    except RuntimeError:
        raise ModelUnavailable(
            "This account has no home folder, where models of a hub are kept. Set HOME to a folder "
            "that it may write to."
        ) from None
    if name == "huggingface":
        from worker.model_store.hubs.huggingface import HuggingFace

        return HuggingFace()
    from worker.model_store.hubs.modelscope import ModelScope

    return ModelScope()
