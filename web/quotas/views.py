"""/api/v1/me, and the part of the front page that says the same in words."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Blueprint, Response, jsonify, make_response, render_template
from pydantic import BaseModel, Field

from shared.quotas.limits import Allowance
from web.authentication.sign_in import current_person
from web.quotas.texts import own_usage_texts
from web.quotas.usage import own_usage

api = APIBlueprint("me", __name__, url_prefix="/api/v1/me")
fragment = Blueprint("share", __name__)


class CountOut(BaseModel):
    """A number, and the most that it may be; null for any."""

    now: int
    most: int | None


class SecondsOut(BaseModel):
    """Seconds of audio, and the most that they may be; null for any."""

    now: float
    most: float | None


class WaitingOut(BaseModel):
    jobs: CountOut
    audio_seconds: SecondsOut


class MonthOut(BaseModel):
    month: str = Field(description="In UTC, as 2026-11.")
    audio_seconds: SecondsOut
    ends_in_seconds: int


class MeOut(BaseModel):
    """Sender of the request, and their share of the server."""

    name: str | None = Field(description="Null where there are no accounts.")
    is_admin: bool
    waiting: WaitingOut
    open_uploads: CountOut = Field(description="Begun, and no job yet.")
    stored_bytes: CountOut = Field(
        description="Recordings, their playable copies, and what open uploads announced."
    )
    submitted: MonthOut = Field(description="Audio submitted this month, whatever became of it.")


@api.get("")
@api.output(MeOut)
def get_me() -> Response:
    """Ask what you hold of this server, and how much you may.

    What would pass it is answered with 429 or 413, and a code that says of what it is too much.
    """
    usage, person = own_usage(), current_person()
    shown = MeOut(
        name=person.name if person else None,
        is_admin=person.is_admin if person else True,
        waiting=WaitingOut(
            jobs=_count(usage.waiting.jobs),
            audio_seconds=_seconds(usage.waiting.audio_s),
        ),
        open_uploads=_count(usage.uploads),
        stored_bytes=_count(usage.storage),
        submitted=MonthOut(
            month=usage.month.name,
            audio_seconds=_seconds(usage.used),
            ends_in_seconds=round(usage.month.rest_s),
        ),
    )
    return jsonify(shown.model_dump(mode="json"))


@fragment.get("/fragments/share")
def share() -> Response:
    """Render the sentences about one's share, which the front page asks for."""
    html = render_template("list/_share.html", texts=own_usage_texts())
    response = make_response(html)
    response.headers["Cache-Control"] = "no-store"
    return response


def _count(one: Allowance) -> CountOut:
    return CountOut(now=int(one.held), most=None if one.most is None else int(one.most))


def _seconds(one: Allowance) -> SecondsOut:
    most = None if one.most is None else round(one.most, 3)
    return SecondsOut(now=round(one.held, 3), most=most)
