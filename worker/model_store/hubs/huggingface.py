"""Hugging Face by its own client, huggingface_hub."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tqdm.auto import tqdm

from worker.model_store.config_yaml import CONFIG
from worker.model_store.files import CHECKPOINT, FIRERED_NEEDS, NORMALISATION, TOKENS
from worker.model_store.hubs.hub import Progress, RemoteFile, explain, not_on_hub
from worker.model_store.known import HubModel

_TELLING = (CONFIG, CHECKPOINT, NORMALISATION, *TOKENS, *FIRERED_NEEDS)
"""Files of which any one in the cache tells where a model's folder is, a broken one too."""

_FAILURES = (HfHubHTTPError, HFValidationError, EntryNotFoundError, httpx2.HTTPError, OSError)


class HuggingFace:
    """Implements `worker.model_store.hubs.hub.Hub`."""

    title = "Hugging Face"

    def __init__(self) -> None:
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)

    def cache_folder(self) -> Path:
        return Path(constants.HF_HUB_CACHE)

    def cached(self, model: HubModel) -> Path | None:
        for name in _TELLING:
            try:
                found = try_to_load_from_cache(model.name, name, revision=model.revision)
            except HFValidationError:
                return None
            if isinstance(found, str):
                return Path(found).parent
        return None

    def files(self, model: HubModel) -> list[RemoteFile]:
        try:
            told = HfApi().model_info(model.name, revision=model.revision, files_metadata=True)
        except (RepositoryNotFoundError, RevisionNotFoundError, HFValidationError) as error:
            raise not_on_hub(self.title, model) from error
        except _FAILURES as error:
            raise explain(self.title, model, error) from error
        return [
            RemoteFile(file.rfilename, file.size or 0, file.lfs.sha256 if file.lfs else None)
            for file in told.siblings or ()
        ]

    def fetch(
        self, model: HubModel, file: RemoteFile, into: Path | None, progress: Progress
    ) -> Path:
        try:
            path = hf_hub_download(
                model.name,
                file.name,
                revision=model.revision,
                local_dir=into,
                tqdm_class=_reporting(progress),
            )
        except (RepositoryNotFoundError, RevisionNotFoundError) as error:
            raise not_on_hub(self.title, model) from error
        except _FAILURES as error:
            raise explain(self.title, model, error) from error
        for _ in Path(file.name).parts:
            path = str(Path(path).parent)
        return Path(path)


def _reporting(progress: Progress) -> type[Any]:
    """A bar that is not drawn and tells its bytes."""

    class Reporting(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            options.update(disable=True)
            super().__init__(*args, **options)
            progress(int(options.get("initial") or 0))

        def update(self, n: float | None = 1) -> None:
            progress(int(n or 0))

    return Reporting
