"""/api/v1/models"""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response

from shared import jobs
from shared.settings import is_demo_model
from web.api.jobs.presenter import with_digest
from web.api.schemas.models import KnownModelOut, ModelsOut
from web.services import services

blueprint = APIBlueprint("models", __name__, url_prefix="/api/v1/models")


@blueprint.get("")
@blueprint.output(ModelsOut)
def list_models() -> Response:
    """List the models that a submission may name as `model`.

    They are those that workers run now, and those that a worker ran within a day: a job for one of
    these waits until a worker runs it again.
    """
    here = services()
    known = jobs.known_models(here.db, within_s=here.settings.worker_seen_within_s)
    shown = ModelsOut(
        models=[
            KnownModelOut(
                name=model.name,
                demo=is_demo_model(model.name),
                workers_alive=model.workers,
                jobs_at_once=model.jobs_at_once,
                seen_at=model.seen_at,
                takes_hotwords=model.takes_hotwords,
            )
            for model in known
        ]
    )
    return with_digest(shown)
