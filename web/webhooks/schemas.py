"""Requests and answers of the API of webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.outbound.addresses import LONGEST_URL
from shared.webhooks.hooks import LONGEST_DESCRIPTION, Hook
from shared.webhooks.log import Delivery
from shared.webhooks.types import DeliveryState, DisabledReason

Type = Literal[
    "job.submitted",
    "job.started",
    "job.completed",
    "job.failed",
    "job.cancelled",
    "job.retried",
]

MOST_DELIVERIES = 100

_URL = "Where deliveries are posted to, https://example.org/hook for instance."
_TYPES = "The types of events that are sent; null: all."
_TEXT = "Send the text of a transcript along with job.completed, up to 256 KiB of it."


class WebhookIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    url: str = Field(min_length=1, max_length=LONGEST_URL, description=_URL)
    description: str = Field("", max_length=LONGEST_DESCRIPTION)
    types: list[Type] | None = Field(None, min_length=1, max_length=20, description=_TYPES)
    with_text: bool = Field(False, description=_TEXT)


class WebhookChangeIn(BaseModel):
    """Changes to a webhook. Fields left out stay as they are."""

    model_config = ConfigDict(extra="forbid", strict=True)

    url: str | None = Field(None, min_length=1, max_length=LONGEST_URL, description=_URL)
    description: str | None = Field(None, max_length=LONGEST_DESCRIPTION)
    types: list[Type] | None = Field(None, min_length=1, max_length=20, description=_TYPES)
    with_text: bool | None = Field(None, description=_TEXT)
    enabled: bool | None = Field(None, description="false: nothing is sent any more.")


class WebhookOut(BaseModel):
    """A webhook. Its secret is told once, when it is made."""

    id: str
    url: str
    description: str
    types: list[Type] | None = Field(description="Null: all.")
    with_text: bool
    enabled: bool
    disabled_at: datetime | None
    disabled_reason: DisabledReason | None
    failing_since: datetime | None = Field(description="Null: its last delivery succeeded.")
    previous_secret_until: datetime | None = Field(
        description="Until then deliveries are signed with the secret before the newest too."
    )
    created_at: datetime


class WebhookWithSecretOut(WebhookOut):
    secret: str = Field(description="It begins with whsec_ and is not told again.")


class WebhookListOut(BaseModel):
    webhooks: list[WebhookOut]


class DeliveryQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=MOST_DELIVERIES, description="Deliveries on a page.")
    before: int | None = Field(
        None, ge=1, le=2**63 - 1, description="`next_before` of the page before."
    )


class DeliveryOut(BaseModel):
    """Event for one webhook, and the state of its delivery."""

    id: int
    message_id: str = Field(description="`webhook-id` of every attempt.")
    type: str
    job_id: str | None
    at: datetime = Field(description="When it happened.")
    state: DeliveryState
    attempts: int
    tried_at: datetime | None
    due_at: datetime | None = Field(description="When it is sent next; null once it is not.")
    status_code: int | None = Field(description="Of the last answer; null where none came.")
    problem: str | None = Field(description="A code; null where the last attempt succeeded.")
    answer: str = Field(description="The beginning of the last answer, or why there was none.")
    took_seconds: float | None


class DeliveryListOut(BaseModel):
    deliveries: list[DeliveryOut]
    next_before: int | None


def webhook_out(hook: Hook) -> WebhookOut:
    return WebhookOut.model_validate(_fields(hook))


def webhook_with_secret_out(hook: Hook, secret: str) -> WebhookWithSecretOut:
    return WebhookWithSecretOut.model_validate({**_fields(hook), "secret": secret})


def delivery_out(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(
        id=delivery.id,
        message_id=delivery.message_id,
        type=delivery.type,
        job_id=delivery.job_id,
        at=delivery.at,
        state=delivery.state,
        attempts=delivery.attempts,
        tried_at=delivery.tried_at,
        due_at=delivery.due_at,
        status_code=delivery.status_code,
        problem=delivery.problem,
        answer=delivery.answer,
        took_seconds=delivery.took_s,
    )


def _fields(hook: Hook) -> dict[str, object]:
    return {
        "id": hook.id,
        "url": hook.url,
        "description": hook.description,
        "types": None if hook.types is None else [one.value for one in hook.types],
        "with_text": hook.with_text,
        "enabled": hook.disabled_at is None,
        "disabled_at": hook.disabled_at,
        "disabled_reason": hook.disabled_reason,
        "failing_since": hook.failing_since,
        "previous_secret_until": hook.previous_secret_until,
        "created_at": hook.created_at,
    }
