"""Expected times at which a player plays each recording of `makers`, and the expected report.

The rules are Chromium's, measured: where zero is for each container, and what becomes of holes and
steps of its clock.  tests/e2e/test_player_clock.py holds some of them against it.
"""

from __future__ import annotations

from tests.support.recordings.checking import Stretch
from tests.support.recordings.kinds import Condition, Kind
from tests.support.recordings.makers import (
    BASE_S,
    FRAGMENTS_CUT_OFF,
    HOLE_S,
    LATE_S,
    SPEEDS,
    STEP_AT_S,
    STEP_S,
)


def truth(kind: Kind, condition: Condition) -> tuple[Stretch, ...]:
    """Stretches that are played, in order, if the recording is complete."""
    shift = kind.shift_s
    match condition:
        case Condition.LATE:
            late = LATE_S if kind.keeps_start else 0.0
            return (Stretch(0.0, BASE_S, shift + late),)
        case Condition.HOLE:
            return (Stretch(0.0, HOLE_S[0], shift), Stretch(HOLE_S[1], BASE_S, shift))
        case Condition.STEP_BACK:
            # The clock has these 0.8 s twice; the sound behind them is where it says.
            again = STEP_AT_S + STEP_S
            return (
                Stretch(0.0, STEP_AT_S, shift),
                Stretch(STEP_AT_S, again, shift),
                Stretch(again, BASE_S, shift - STEP_S),
            )
        case Condition.FAST | Condition.SLOW:
            speed = SPEEDS[condition]
            return (Stretch(0.0, BASE_S, shift * speed, speed),)
        case Condition.MIDDLE:
            return (Stretch(FRAGMENTS_CUT_OFF + 0.5, BASE_S, shift),)
        case _:
            return (Stretch(0.0, BASE_S, shift),)
