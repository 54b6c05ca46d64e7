"""Making the playable copy while the recording is decoded and recognised."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Self

from worker.audio.playable.player_time import PIECE_SAMPLES, on_player_time, together
from worker.audio.playable.process import CopyEncoder, EncodingFailed
from worker.audio.spool import AudioSpool
from worker.audio.takes import TakesClock
from worker.recogniser import Pcm

_READ_SAMPLES = 50 * PIECE_SAMPLES
_LOOK_EVERY_S = 0.25


class _Stopped(Exception):
    pass


class CopyMaker:
    """Makes the file `path` from `spool`, on a thread of its own, in the time of a player.

    It follows whoever fills the spool, at its pace or slower.  With `several_takes` it begins when
    the spool is full, and plays the takes together.  Left before it is done, it stops.
    """

    def __init__(
        self,
        spool: AudioSpool,
        clock: TakesClock,
        path: Path,
        *,
        several_takes: bool,
        sandbox_required: bool = False,
    ) -> None:
        self.path = path
        self.position = 0
        """Samples encoded so far."""
        self._spool = spool
        self._clock = clock
        self._several_takes = several_takes
        self._sandbox_required = sandbox_required
        self._spool_is_full = threading.Event()
        self._stopped = threading.Event()
        self._encoder: CopyEncoder | None = None
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="playable copy", daemon=True)

    def spool_is_full(self) -> None:
        """Tell that nothing will be appended to the spool any more."""
        self._spool_is_full.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` seconds for the copy, and return whether it is done. Raises the
        error that ended it, EncodingFailed or an OSError of the spool."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            return False
        if self._error is not None:
            raise self._error
        return True

    def _run(self) -> None:
        try:
            # Made here: the kernel ends the process with the thread that it was made by.
            with CopyEncoder(self.path, sandbox_required=self._sandbox_required) as self._encoder:
                for block in self._sound():
                    self._encoder.write(block)
                    self.position += len(block)
                self._encoder.finish()
        except _Stopped:
            self._error = EncodingFailed("stopped")
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error

    def _sound(self) -> Iterator[Pcm]:
        if not self._several_takes:
            yield from on_player_time(self._pieces(0, None), self._clock.heard_s)
            return
        while not self._spool_is_full.wait(_LOOK_EVERY_S):
            self._go_on()
        starts = [start for start, _ in self._clock.starts] + [self._spool.samples]
        yield from together(
            on_player_time(self._pieces(start, end), self._clock.heard_s)
            for start, end in pairwise(starts)
        )

    def _pieces(self, start: int, end: int | None) -> Iterator[tuple[int, Pcm]]:
        """The spool from `start` to `end`, or to wherever it is full, piece by piece."""
        while True:
            self._go_on()
            is_full = self._spool_is_full.is_set()  # asked before the number of samples
            there = self._spool.samples if end is None else end
            if not is_full:
                there -= (there - start) % PIECE_SAMPLES
            if start == there:
                if is_full:
                    return
                self._spool_is_full.wait(_LOOK_EVERY_S)
                continue
            read = self._spool.read(start, min(there, start + _READ_SAMPLES))
            for at in range(0, len(read), PIECE_SAMPLES):
                yield start + at, read[at : at + PIECE_SAMPLES]
            start += len(read)

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise _Stopped

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        # One that is made after this asks whether to go on before it waits for anything.
        if self._encoder is not None and self._thread.is_alive():
            self._encoder.kill()
        self._thread.join()
