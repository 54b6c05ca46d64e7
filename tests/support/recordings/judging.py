"""Decode a recording of `makers` as the worker does; judge its sound, its times, its account.

outcome = judge(kind, condition, path, original)
outcome.problems    # nothing, if all is as it should be
outcome.cell        # what the table in docs/recordings.md says of it
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from shared.errors import UnsupportedMedia
from shared.transcripts.recording_report import RecordingWarningCode
from tests.support.recordings.checking import Findings, check
from tests.support.recordings.kinds import Condition, Kind, WhenCut
from tests.support.recordings.makers import BASE_S, CUT
from tests.support.recordings.places import Original
from tests.support.recordings.truth import truth
from worker.audio.decode import decode

LETTERS = {
    RecordingWarningCode.SHORTER_THAN_ANNOUNCED: "S",
    RecordingWarningCode.DAMAGED_AUDIO_SKIPPED: "D",
    RecordingWarningCode.SILENCE_FILLED: "H",
    RecordingWarningCode.CHANNELS_OUT_OF_PHASE: "P",
    RecordingWarningCode.BYTES_AFTER_THE_END: "B",
    RecordingWarningCode.CLOCK_RESET: "C",
}
"""Letter of each warning that occurs in the table."""

REFUSED = "✗"
HEARD = "✓"
FIRST_PART = "½"

_LEAST_KEPT = 0.85
"""Least share that is kept of what the first 60 % of the bytes hold; bytes are not spread evenly
over the time."""

_MOST_BEYOND_S = 0.35
"""Most seconds after the last sound: a codec's last frame, filled up, at both ends of a joined
recording."""

_WARNED = {
    Condition.HOLE: {RecordingWarningCode.SILENCE_FILLED},
    Condition.INVERTED: {RecordingWarningCode.CHANNELS_OUT_OF_PHASE},
}
_MAY_BE_WARNED = {
    Condition.CUT: {RecordingWarningCode.DAMAGED_AUDIO_SKIPPED},
    Condition.LATE: {RecordingWarningCode.SILENCE_FILLED},
    Condition.JOINED: {
        RecordingWarningCode.BYTES_AFTER_THE_END,
        RecordingWarningCode.CLOCK_RESET,
    },
}


@dataclass(slots=True)
class Outcome:
    """Result of one recording; `problems` are sentences."""

    cell: str
    problems: list[str] = field(default_factory=list)


def judge(kind: Kind, condition: Condition, path: Path, original: Original) -> Outcome:
    """Decode `path` and judge it."""
    refused = condition is Condition.CUT and kind.when_cut is WhenCut.REFUSED
    try:
        with decode(path) as audio:
            blocks = list(audio)
    except UnsupportedMedia:
        return Outcome(REFUSED, [] if refused else ["refused"])
    decoded = np.concatenate([*blocks, np.zeros(0, dtype=np.int16)])
    expected = truth(kind, condition)
    findings = check(decoded, audio.clock.heard_s, original, expected, kind.similarity)
    cut = condition is Condition.CUT
    problems = ["read, though it should be refused"] if refused else []
    problems += _of_sound(findings, cut)
    end_s = audio.clock.heard_s(len(decoded))
    last_s = expected[-1].heard_s(expected[-1].last_s)
    if end_s > last_s + _MOST_BEYOND_S:
        problems.append(f"ends at {end_s:.2f} s, not at {last_s:.2f}")
    codes = {warning.code for warning in audio.report.warnings}
    wanted = set(_WARNED.get(condition, set()))
    if cut and kind.when_cut is WhenCut.TOLD:
        wanted.add(RecordingWarningCode.SHORTER_THAN_ANNOUNCED)
    if not wanted <= codes <= wanted | _MAY_BE_WARNED.get(condition, set()):
        problems.append(f"warns of {sorted(codes)}, not of {sorted(wanted)}")
    letters = "".join(letter for code, letter in LETTERS.items() if code in codes)
    return Outcome(f"{FIRST_PART if cut else HEARD} {letters}".strip(), problems)


def _of_sound(findings: Findings, cut: bool) -> list[str]:
    problems = []
    if findings.shifted:
        problems.append(f"{len(findings.shifted)} shifted: {findings.shifted[:3]}")
    if findings.invented:
        problems.append(f"invented at {findings.invented[:5]} s")
    if cut:
        if findings.reaches_s < BASE_S * CUT * _LEAST_KEPT:
            problems.append(f"reaches only {findings.reaches_s:.1f} s")
        findings.lost = [at for at in findings.lost if at < findings.reaches_s - 0.5]
    if findings.lost:
        problems.append(f"lost at {findings.lost[:5]} s of the original")
    return problems
