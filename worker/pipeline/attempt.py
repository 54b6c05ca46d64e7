"""Run of a job by this worker, with everything that its steps need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from shared.jobs import Claim
from shared.speakers import SpeakerCount
from shared.speakers.names import speakers_from_options
from shared.transcripts.sound_selection import SoundSelection
from worker.pipeline.hotwords import NO_HOTWORDS, Hotwords, take_hotwords
from worker.pipeline.metering import AttemptMeter
from worker.pipeline.plan_key import plan_key
from worker.pipeline.tools import Tools
from worker.recogniser import RecognitionRequest
from worker.speaker_encoder import SpeakerEncoder
from worker.supervision.liveness import NO_LIVENESS, Liveness
from worker.supervision.retrying_store import RetryingStore


@dataclass(frozen=True, slots=True)
class Attempt:
    """The context of one attempt, made once and handed to each step of the pipeline."""

    tools: Tools
    """Tools that the worker keeps from job to job: settings, database, storage, the model."""
    claim: Claim
    request: RecognitionRequest
    """Options of the job for recognition beside its audio."""
    hotwords: Hotwords
    """The words that the job was given, and whether the request has them."""
    selection: SoundSelection
    """Tracks and channels of the recording that are heard."""
    speakers: SpeakerCount | None
    """Number of speakers to be told apart; None where nobody asks who speaks."""
    encoder: SpeakerEncoder | None
    """Network that hears their voices; None with `speakers`."""
    check: Callable[[], None]
    """Call it between blocks and batches. It raises when the attempt must stop: Cancelled,
    FenceLost or ShutdownRequested."""
    liveness: Liveness
    """Note progress with it whenever a block, a batch or a stage is done."""
    store: RetryingStore
    """The only way to the database: with the claim's fence, and through outages."""
    meter: AttemptMeter
    plan_key: str
    """Stored results count only if they were stored under this key."""

    @classmethod
    def begin(
        cls,
        tools: Tools,
        claim: Claim,
        check: Callable[[], None],
        liveness: Liveness = NO_LIVENESS,
        request: RecognitionRequest | None = None,
    ) -> Self:
        """Start the meter. Without `request`, the job asks for the words that it was given, as far
        as the recogniser takes any.

        Raises ModelUnavailable where speakers cannot be told apart.
        """
        selection = SoundSelection.from_options(claim.options)
        # Where each track or channel is a person of its own, it is known who speaks.
        speakers = None if selection.hears_each else speakers_from_options(claim.options)
        encoder = None if speakers is None else tools.speaker_encoder()
        store = RetryingStore(tools.db, claim, check, liveness)
        hotwords = NO_HOTWORDS
        if request is None:
            hotwords = take_hotwords(store, tools.recogniser)
            request = RecognitionRequest(hotwords=hotwords.passed)
        return cls(
            tools=tools,
            claim=claim,
            request=request,
            hotwords=hotwords,
            selection=selection,
            speakers=speakers,
            encoder=encoder,
            check=check,
            liveness=liveness,
            store=store,
            meter=AttemptMeter(tools.recogniser.memory),
            plan_key=plan_key(tools, request, selection, encoder),
        )
