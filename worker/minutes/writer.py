"""Writing the minutes of one transcript: cut, ask, merge, check.

Each answer is committed as it comes, under the digest of its question, so an attempt that begins
again asks only what was not answered.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from math import ceil
from typing import Protocol

import structlog

from shared.minutes.answers import answer_schema, read_answer
from shared.minutes.contents import Minutes
from shared.minutes.cutting import Part, cut
from shared.minutes.errors import AnswerUnusable, ContextTooLong, WindowTooSmall
from shared.minutes.grounding import cited, verified, with_sources
from shared.minutes.merging import as_question, groups, in_order, side_by_side
from shared.minutes.prompts import FORMAT, MERGE, PART, filled
from shared.minutes.tokens import estimated_tokens
from shared.transcripts.values import Transcript
from worker.minutes.model_server import Message, ModelServer, Reply

log = structlog.get_logger(__name__)

_LONGEST_ANSWER = 4096
"""Tokens that are kept free for an answer, or a quarter of the window where that is less."""
_MARGIN = 100
"""Tokens that a server puts around the messages."""
_LEAST_FOR_TEXT = 256

_WRONG_SHOWN = 2000
"""Characters of an unusable answer that the model is shown again."""


class Progress(Protocol):
    """Store for answers and for the progress. Each method raises the error that ends the
    attempt."""

    def stored(self, digest: str) -> Minutes | None: ...

    def store(self, digest: str, answer: Minutes) -> None: ...

    def note(self, done: int, planned: int) -> None: ...


class Writer:
    """Writes the minutes of one transcript with the prompts of a request."""

    def __init__(
        self,
        server: ModelServer,
        *,
        model: str,
        window_tokens: int,
        prompts: dict[str, str],
        progress: Progress,
    ) -> None:
        self._server = server
        self._model = model
        self._prompts = prompts
        self._progress = progress
        self._answer_tokens = min(_LONGEST_ANSWER, window_tokens // 4)
        self._window = window_tokens
        self._done = self._planned = 0

    def write(self, transcript: Transcript) -> Minutes:
        """The minutes, checked. Raises what `ModelServer.ask` raises, AnswerUnusable or
        WindowTooSmall."""
        parts = cut(transcript, self._room(PART))
        self._plan(parts)
        answers = [
            answer
            for number, part in enumerate(parts, start=1)
            for answer in self._of_part(part, number, len(parts))
        ]
        merged = self._merged(answers)
        self._progress.note(self._done, self._done)  # of merging the number was a guess
        return in_order(verified(merged, transcript), transcript.sentences)

    def _room(self, name: str) -> int:
        """Tokens that what a prompt is about may have."""
        around = estimated_tokens(self._prompts[FORMAT]) + estimated_tokens(self._prompts[name])
        room = self._window - self._answer_tokens - around - _MARGIN
        if room < _LEAST_FOR_TEXT:
            raise WindowTooSmall
        return room

    def _plan(self, parts: list[Part]) -> None:
        """Tell how many answers there will be, as far as that can be known."""
        self._planned = waiting = len(parts)
        together = max(2, self._room(MERGE) // (2 * self._answer_tokens))
        while waiting > 1:
            waiting = ceil(waiting / together)
            self._planned += waiting
        self._progress.note(0, self._planned)

    def _of_part(self, part: Part, number: int, of: int) -> list[Minutes]:
        """The minutes of a part, in several where the server has a smaller window than we think."""
        question = filled(
            self._prompts[PART], transcript=part.text, part=str(number), parts=str(of)
        )
        try:
            return [self._answer(question, part.sentences)]
        except ContextTooLong:
            halves = part.halves()
            if halves is None:
                raise
            log.info("halved a part", sentences=len(part.lines))
            self._planned += 1
            return [one for half in halves for one in self._of_part(half, number, of)]

    def _merged(self, answers: list[Minutes]) -> Minutes:
        """Merge all answers into one, in as many steps as the window requires."""
        room = self._room(MERGE)
        while len(answers) > 1:
            grouped = groups(answers, room)
            if len(grouped) == len(answers):
                log.warning("no two answers fit into the window; they are put side by side")
                return side_by_side(answers)
            answers = [self._of_group(group) for group in grouped]
        return answers[0] if answers else Minutes()

    def _of_group(self, group: list[Minutes]) -> Minutes:
        if len(group) == 1:
            return group[0]
        question = filled(self._prompts[MERGE], minutes=as_question(group))
        try:
            return self._answer(question, cited(group))
        except ContextTooLong:
            return side_by_side(group)

    def _answer(self, question: str, allowed: Collection[int]) -> Minutes:
        """The answer to a question, stored or asked for now."""
        messages = [
            {"role": "system", "content": self._prompts[FORMAT]},
            {"role": "user", "content": question},
        ]
        digest = hashlib.sha256(json.dumps([self._model, messages]).encode()).hexdigest()
        answer = self._progress.stored(digest)
        if answer is None:
            answer = with_sources(self._asked(messages), allowed)
            self._progress.store(digest, answer)
        self._done += 1
        self._progress.note(self._done, max(self._done, self._planned))
        return answer

    def _asked(self, messages: list[Message]) -> Minutes:
        """Ask, and once more where the answer cannot be used, saying why."""
        reply = self._ask(messages)
        try:
            return read_answer(reply.text)
        except AnswerUnusable as error:
            wrong = "it was cut off because it is too long" if reply.is_cut else error.message
        log.info("an answer cannot be used", reason=wrong)
        reply = self._ask(
            [
                *messages,
                {"role": "assistant", "content": reply.text[:_WRONG_SHOWN] or "-"},
                {
                    "role": "user",
                    "content": f"This answer cannot be used: {wrong}. Answer again, shorter, with "
                    "the JSON object of the form above and nothing else.",
                },
            ]
        )
        try:
            return read_answer(reply.text)
        except AnswerUnusable as error:
            log.warning("no answer can be used", reason=error.message, cut=reply.is_cut)
            raise AnswerUnusable from None

    def _ask(self, messages: list[Message]) -> Reply:
        return self._server.ask(messages, most_tokens=self._answer_tokens, schema=answer_schema())
