"""Others' own packages, unchanged but for the address, at a real server with a real worker."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
import requests

from tests.support.databases.sqlite import migrated_file
from tests.support.speech.demo_speech import character_error_rate, meeting
from tests.support.stack import NOBODY_DIES, Stack, running, wait_for
from tests.support.stack_without_http import as_wav

if TYPE_CHECKING:
    # Half a second of imports, which each process that collects these tests would take.
    import openai

SPOKEN = meeting(20)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("packages")
    url = migrated_file(folder / "longscribe.db")
    # Batches so short that the text comes in more than one.
    env = {"LONGSCRIBE_MIN_FREE_BYTES": "0", "LONGSCRIBE_BATCH_SIZE_S": "5", **NOBODY_DIES}
    with running(Stack(folder / "stack", url, env)) as made:
        made.start_redis()
        made.start_web()
        made.start_worker()
        models = f"{made.url}/api/v1/models"

        def is_ready() -> bool:
            known = requests.get(models, timeout=60).json()["models"]
            return any(model["jobs_at_once"] for model in known)

        wait_for(is_ready, seconds=240, what="the worker")
        yield made


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("wav") / "meeting.wav"
    path.write_bytes(as_wav(SPOKEN.samples))
    return path


@pytest.fixture
def client(stack: Stack) -> Iterator[openai.OpenAI]:
    import openai

    with openai.OpenAI(base_url=f"{stack.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text))


def test_a_recording_is_transcribed(client: openai.OpenAI, wav: Path) -> None:
    [model] = client.models.list().data
    retrieved = client.models.retrieve(model.id)
    assert retrieved.created >= model.created  # the second in which a worker last told of it
    assert retrieved.model_copy(update={"created": model.created}) == model
    with wav.open("rb") as file:
        answer = client.audio.transcriptions.create(
            file=file,
            model=model.id,
            response_format="verbose_json",
            timestamp_granularities=["word", "segment"],
        )
    assert answer.duration == pytest.approx(SPOKEN.seconds, abs=0.1)
    assert answer.language == "chinese"
    assert answer.words and answer.segments
    assert letters(answer.text) == letters("".join(one.text for one in answer.segments))
    times = [(word.start, word.end) for word in answer.words]
    assert times == sorted(times) and times[-1][1] <= answer.duration
    assert character_error_rate(SPOKEN.text, answer.text) < 0.05


def test_the_text_comes_as_it_is_recognised_each_piece_once(
    client: openai.OpenAI, wav: Path
) -> None:
    with wav.open("rb") as file:
        stream = client.audio.transcriptions.create(
            file=file, model="gpt-4o-transcribe", stream=True
        )
        *deltas, done = list(stream)
    assert done.type == "transcript.text.done"
    assert {one.type for one in deltas} == {"transcript.text.delta"}
    told = "".join(one.delta for one in deltas if one.type == "transcript.text.delta")
    assert letters(told) == letters(done.text)


def test_several_at_once_without_blocking(stack: Stack, wav: Path) -> None:
    import openai

    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(base_url=f"{stack.url}/v1", api_key="none") as client:
            asked = [
                client.audio.transcriptions.create(
                    file=wav, model="whisper-1", response_format="text"
                )
                for _ in range(2)
            ]
            return await asyncio.gather(*asked)

    one, other = asyncio.run(ask())
    assert one == other
    assert character_error_rate(SPOKEN.text, one) < 0.05


def test_errors_are_those_that_the_package_knows(client: openai.OpenAI, wav: Path) -> None:
    import openai

    with (
        pytest.raises(openai.BadRequestError, match="No worker runs") as unknown,
        wav.open("rb") as file,
    ):
        client.audio.transcriptions.create(file=file, model="nobody's")
    assert (unknown.value.code, unknown.value.param) == ("unknown_model", "model")
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody's")
    with pytest.raises(openai.APIStatusError) as damaged:
        client.audio.transcriptions.create(file=("m.wav", b"no sound at all"), model="whisper-1")
    assert (damaged.value.status_code, damaged.value.code) == (415, "unsupported_media")


@pytest.mark.filterwarnings("ignore::pydantic.PydanticDeprecatedSince20")
def test_assemblyai_uploads_waits_and_reads(stack: Stack, wav: Path) -> None:
    import assemblyai

    with mock.patch.multiple(
        assemblyai.settings, base_url=stack.url, api_key="none", polling_interval=0.2
    ):
        transcriber = assemblyai.Transcriber()
        asked = assemblyai.TranscriptionConfig(speaker_labels=True, keyterms_prompt=["达摩院"])
        transcript = transcriber.transcribe(str(wav), config=asked)
        assert transcript.status == "completed", transcript.error
        assert character_error_rate(SPOKEN.text, transcript.text or "") < 0.05
        assert transcript.words and transcript.utterances
        assert letters("".join(word.text for word in transcript.words)) == letters(
            "".join(sentence.text for sentence in transcript.get_sentences())
        )
        assert transcript.words[0].start == transcript.utterances[0].start > 0
        assert transcript.get_paragraphs()[0].start == transcript.words[0].start
        assert transcript.export_subtitles_srt().startswith("1\n")
        assert transcript.export_subtitles_vtt(chars_per_caption=32).startswith("WEBVTT")
        with pytest.raises(assemblyai.TranscriptError, match="Send the file"):
            transcriber.transcribe("https://example.com/meeting.wav", config=asked)
        assemblyai.Transcript.delete_by_id(transcript.id)
        with pytest.raises(assemblyai.TranscriptError, match="no such job"):
            assemblyai.Transcript.get_by_id(transcript.id)
