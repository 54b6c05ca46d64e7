"""Requests and answers of the API for playing a recording."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AudioQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    download: bool = Field(
        False, description="1: the submitted file, to be saved and not played in place."
    )
    pieces: bool = Field(
        False,
        description="1: a range without an end is answered in part, and asked on for; players do. "
        "Where recordings lie in a bucket, its owner may be redirected there.",
    )
    redirect: bool = Field(True, description="0: never by a redirect.")


class AudioOut(BaseModel):
    """File that `links.audio` plays."""

    kind: Literal["original", "copy"] = Field(
        description="original: the submitted file. copy: a light one in its place, where browsers "
        "cannot play all of that or seek in it; `download=1` still gives the submitted file."
    )
    size_bytes: int


class PeaksOut(BaseModel):
    duration: float | None = Field(description="Seconds that the peaks cover; null without any.")
    peaks: list[int] = Field(
        description="Loudness of equal parts of the recording: 255 for the loudest, 0 for silence."
    )


class SentenceWords(BaseModel):
    n: int = Field(description="Its place in the transcript, from 0.")
    start: float = Field(description="Seconds.")
    words: list[str]
    doubtful: list[int] = Field(
        description="Which of them, from 0, have a confidence below LONGSCRIBE_LOW_CONFIDENCE."
    )
    times: list[int] = Field(
        description="Two numbers a word, in hundredths of a second: the pause since the word "
        "before it ended (the first: since the sentence's start), and how long it lasts."
    )


class WordsOut(BaseModel):
    sentences: list[SentenceWords]
