"""Put the clock of a worker CLOCK_OFF_BY_S ahead.

`celery worker --include tests.support.doubles.shifted_clock` loads this module.

Python's own ways to ask for the time are shifted in every process of the worker: `time.time`,
`time.time_ns`, and `datetime.now` and `utcnow` in every module that is loaded or will be.  Celery
and Kombu date messages with them, and whatever of ours asked would be wrong as well.  The
monotonic clock runs on, as it does on a machine whose clock is set wrong.
"""

from __future__ import annotations

import datetime as datetime_module
import os
import sys
import time

_OFF_BY_S = float(os.environ["CLOCK_OFF_BY_S"])
_time, _time_ns = time.time, time.time_ns
_datetime = datetime_module.datetime


class _AnyDatetime(type):
    """Metaclass for which values of the unshifted class are still datetimes."""

    def __instancecheck__(cls, value: object) -> bool:
        return isinstance(value, _datetime)


class ShiftedDatetime(_datetime, metaclass=_AnyDatetime):
    @classmethod
    def now(cls, tz: datetime_module.tzinfo | None = None) -> ShiftedDatetime:
        return cls.fromtimestamp(_time() + _OFF_BY_S, tz)

    @classmethod
    def utcnow(cls) -> ShiftedDatetime:
        return cls.now(datetime_module.UTC).replace(tzinfo=None)


def shifted_time() -> float:
    return _time() + _OFF_BY_S


def shifted_time_ns() -> int:
    return _time_ns() + int(_OFF_BY_S * 1e9)


_SHIFTED = {_time: shifted_time, _time_ns: shifted_time_ns, _datetime: ShiftedDatetime}


def _shift() -> None:
    for module in list(sys.modules.values()):
        if module is sys.modules[__name__]:
            continue
        for name, value in list(getattr(module, "__dict__", {}).items()):
            for real, shifted in _SHIFTED.items():
                if value is real:
                    setattr(module, name, shifted)


_shift()
