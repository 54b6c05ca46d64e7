"""The two hubs that models come from, each by its own client."""

from __future__ import annotations

from worker.model_store.hubs.hub import Hub
from worker.model_store.known import HubName


def open_hub(name: HubName) -> Hub:
    """The client of a hub; each is imported only where it is used."""
    if name == "huggingface":
        from worker.model_store.hubs.huggingface import HuggingFace

        return HuggingFace()
    from worker.model_store.hubs.modelscope import ModelScope

    return ModelScope()
