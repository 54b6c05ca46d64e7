"""Ctrl-C that comes just before a wait begins."""

from __future__ import annotations

import _thread
import gc
import signal
import sys
import threading

import pytest

from worker.model_store.interrupts import prompt_interrupts


def test_an_interrupt_that_wakes_nothing_ends_a_wait() -> None:
    too_late = threading.Event()
    rescue = threading.Timer(30, too_late.set)
    rescue.start()
    # interrupt_main sets the flag and, like a signal handled just before the wait, ends no call.
    interrupt = threading.Timer(0.1, _thread.interrupt_main)
    with pytest.raises(KeyboardInterrupt), prompt_interrupts():
        interrupt.start()  # in here, or a busy machine's would end all tests
        too_late.wait()
    rescue.cancel()
    assert not too_late.is_set()


def test_the_timer_and_its_handler_are_gone_afterwards() -> None:
    before = signal.getsignal(signal.SIGALRM)
    with prompt_interrupts():
        assert signal.getitimer(signal.ITIMER_REAL)[1] > 0
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) == before


class HalfMade:
    """A progress bar, say, that is interrupted while it is made."""

    def __init__(self) -> None:
        signal.raise_signal(signal.SIGINT)
        self.place = 0

    def __del__(self) -> None:
        print(self.place)


def test_what_is_interrupted_half_made_prints_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    with pytest.raises(KeyboardInterrupt) as interrupted, prompt_interrupts():
        HalfMade()
    del interrupted
    gc.collect()
    assert not told
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
