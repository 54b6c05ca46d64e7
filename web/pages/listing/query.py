"""Conditions of the job list that an address asks for."""

from __future__ import annotations

from typing import Any

from flask import url_for
from pydantic import BaseModel, ConfigDict, Field

from shared.annotations.labels import LONGEST_LABEL, LabelKey, keys_of
from shared.search.cursors import JOB_CURSOR
from shared.states import RUNNING, JobStatus
from web.api.schemas.searches import Show
from web.i18n.languages import N_

STATUS_FILTERS: dict[str, tuple[str, frozenset[JobStatus]]] = {
    "all": (N_("All"), frozenset()),
    "waiting": (N_("Waiting"), frozenset({JobStatus.QUEUED})),
    "running": (N_("Running"), RUNNING),
    "done": (N_("Done"), frozenset({JobStatus.COMPLETED})),
    "failed": (N_("Failed"), frozenset({JobStatus.FAILED})),
    "cancelled": (N_("Cancelled"), frozenset({JobStatus.CANCELLED})),
}
"""The filters of the list by their name in the URL: label and statuses."""


class ListQuery(BaseModel):
    """The query parameters of the list."""

    model_config = ConfigDict(extra="forbid")

    show: Show = "all"
    q: str = Field("", max_length=200)
    tag: str = Field("", max_length=LONGEST_LABEL)
    person: str = Field("", max_length=LONGEST_LABEL)
    cursor: str | None = Field(None, pattern=f"^({JOB_CURSOR})$")

    @property
    def statuses(self) -> frozenset[JobStatus]:
        return STATUS_FILTERS[self.show][1]

    @property
    def labels(self) -> tuple[LabelKey, ...]:
        return keys_of(tag=self.tag, person=self.person)

    @property
    def is_narrowed(self) -> bool:
        """Return whether any condition leaves out jobs."""
        return self.show != "all" or any(text.strip() for text in (self.q, self.tag, self.person))

    def address(self, endpoint: str = "pages.index", **changes: str | None) -> str:
        """The URL of the list with `changes`, from its first page unless a cursor is given."""
        said: dict[str, Any] = {
            "show": self.show,
            "q": self.q.strip(),
            "tag": self.tag.strip(),
            "person": self.person.strip(),
            "cursor": None,
            **changes,
        }
        if said["show"] == "all":
            said["show"] = None
        return url_for(endpoint, **{name: value or None for name, value in said.items()})
