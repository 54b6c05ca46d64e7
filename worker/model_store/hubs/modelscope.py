"""ModelScope by its own client, modelscope_hub.

Not by the package modelscope, whose import takes seconds and brings torch.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelscope_hub import HubApi
from modelscope_hub.config import HubConfig
from modelscope_hub.errors import CacheNotFound, FileDownloadError, HubError, NotExistError

from worker.model_store.hubs.hub import (
    DownloadFailed,
    Progress,
    RemoteFile,
    explain,
    not_on_hub,
)
from worker.model_store.known import HubModel

_KIND = "model"


class ModelScope:
    """Implements `worker.model_store.hubs.hub.Hub`."""

    title = "ModelScope"

    def __init__(self) -> None:
        # The client writes its progress and its warnings to stderr; what matters is said by us.
        logging.getLogger("modelscope_hub").setLevel(logging.CRITICAL)
        self._config = HubConfig()
        self._reading_api: HubApi | None = None

    def cache_folder(self) -> Path:
        return self._config.cache_dir

    def cached(self, model: HubModel) -> Path | None:
        older = self._older_folder(model)
        try:
            return HubApi().download_repo(
                model.name,
                _KIND,
                revision=model.revision,
                local_dir=older,
                local_files_only=True,
            )
        except CacheNotFound:
            return None

    def files(self, model: HubModel) -> list[RemoteFile]:
        try:
            listed = self._api(model).list_repo_files(model.name, _KIND, revision=model.revision)
        except NotExistError as error:
            raise not_on_hub(self.title, model) from error
        except (HubError, OSError, ValueError) as error:
            raise explain(self.title, model, error) from error
        return [RemoteFile(file.path, file.size, file.sha256) for file in listed if not file.is_dir]

    def fetch(
        self, model: HubModel, file: RemoteFile, into: Path | None, progress: Progress
    ) -> Path:
        entry = {"Path": file.name, "Size": file.size_bytes, "Sha256": file.sha256}
        try:
            with _bars_unseen():
                return self._api(model).download_repo(
                    model.name,
                    _KIND,
                    revision=model.revision,
                    local_dir=into or self._older_folder(model),
                    file_list=[entry],
                    max_workers=1,
                    progress_callbacks=[_reporting(progress)],
                )
        except FileDownloadError as error:
            raise self._failed(model, next(iter(error.failed_files.values()), error)) from error
        except (HubError, OSError, ValueError) as error:
            raise self._failed(model, error) from error

    def _failed(self, model: HubModel, error: BaseException) -> DownloadFailed:
        if isinstance(error, NotExistError):
            return not_on_hub(self.title, model)
        return explain(self.title, model, error)

    def _api(self, model: HubModel) -> HubApi:
        """A client of the site that has the model: modelscope.cn, else modelscope.ai."""
        if self._reading_api is None:
            api = HubApi()
            try:
                endpoint = api.resolve_endpoint_for_read(model.name, repo_type=_KIND)
            except NotExistError as error:
                raise not_on_hub(self.title, model) from error
            except (HubError, OSError, ValueError) as error:
                raise explain(self.title, model, error) from error
            self._reading_api = HubApi(endpoint=endpoint)
        return self._reading_api

    def _older_folder(self, model: HubModel) -> Path | None:
        """Folder in which earlier versions of the package modelscope kept a model, if it exists.

        modelscope_hub itself knows {cache}/models/owner/name and {cache}/hub/models/owner/name.
        """
        owner, _, name = model.name.partition("/")
        safe_name = name.replace(".", "___")
        base = self._config.cache_dir
        newer = (
            base / "models" / model.name.replace("/", "--"),
            base / "models" / owner / safe_name,
            base / "hub" / "models" / owner / safe_name,
        )
        older = (
            base / owner / name,
            base / owner / safe_name,
            base / "hub" / owner / name,
            base / "hub" / owner / safe_name,
            base / "models" / owner / name,
        )
        if any(_has_entries(folder) for folder in newer):
            return None
        return next((folder for folder in older if _has_entries(folder)), None)


def _has_entries(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is not None
    except OSError:
        return False


def _reporting(progress: Progress) -> type[Any]:
    """The class that the client makes for each file, of whose bytes it tells."""

    class Reporting:
        def __init__(self, filename: str, file_size: int) -> None:
            pass

        def update(self, size: int) -> None:
            progress(size)

        def end(self) -> None:
            pass

    return Reporting


@contextlib.contextmanager
def _bars_unseen() -> Iterator[None]:
    """The client draws bars on stderr and has no switch for them."""
    with contextlib.redirect_stderr(io.StringIO()):
        yield
