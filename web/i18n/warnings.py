"""A job's warnings as sentences in the reader's language, for the pages and the API."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from shared.transcripts.recording_report import RecordingReport, RecordingWarning, TrackUse
from shared.transcripts.recording_report import RecordingWarningCode as Code
from web.i18n.languages import N_
from web.i18n.quantities import clock, seconds_text, share

_OF_TRANSCRIPT = {
    "no_speech": N_("Nobody speaks in this recording, so the transcript is empty."),
    "punctuation_failed": N_(
        "Punctuation failed, so the text has no marks and is divided at pauses."
    ),
    "hotwords_not_taken": N_(
        "The model takes no hotwords, so the words named with this recording were not used."
    ),
    "repetition_cut": N_(
        "In places the model repeated itself over and over, or wrote more than can be said in the "
        "time; that was cut off. Check the text against the recording."
    ),
    "low_confidence": N_(
        "Many words were recognised with little certainty: check the text against the recording. "
        "Noise, a distant microphone or people who speak at once are the usual reasons."
    ),
}

_OF_FILE = frozenset(code.value for code in Code)

_WITHOUT_NUMBERS = {
    Code.TRACKS_LEFT_OUT: N_("A sound track was not heard, so what is said on it is missing."),
    Code.CHANNELS_OUT_OF_PHASE: N_(
        "Channels of the recording cancel each other out, so they were not added up as they are."
    ),
    Code.SHORTER_THAN_ANNOUNCED: N_(
        "The file ends earlier than it says: it was cut off, or never written to its end."
    ),
    Code.DAMAGED_AUDIO_SKIPPED: N_("Parts of the file are damaged; what they held is missing."),
    Code.SILENCE_FILLED: N_(
        "The file has gaps, which count as silence, as they do when it is played."
    ),
    Code.CLOCK_RESET: N_(
        "The file's clock jumps, which was taken for an error: check the times that follow."
    ),
    Code.BYTES_AFTER_THE_END: N_("The file goes on behind the end that it tells of."),
    Code.VERY_QUIET: N_(
        "The speech is very quiet and was amplified a lot: check the text against the recording."
    ),
    Code.CLIPPED: N_("Much of the sound is overdriven and cut off, so words may be wrong."),
}

_WITH_SECONDS = {
    Code.CHANNELS_OUT_OF_PHASE: N_(
        "For %(length)s, channels of the recording cancel each other out, so they were not added "
        "up as they are."
    ),
    Code.SHORTER_THAN_ANNOUNCED: N_(
        "The file says that it is %(length)s longer than it is: it was cut off, or never written "
        "to its end."
    ),
    Code.DAMAGED_AUDIO_SKIPPED: N_(
        "%(length)s of the file are damaged and could not be read; what was said there is missing."
    ),
    Code.SILENCE_FILLED: N_(
        "The file has gaps of %(length)s in all, which count as silence, as they do when it is "
        "played."
    ),
    Code.BYTES_AFTER_THE_END: N_(
        "The sound goes on for %(length)s behind the end that the file tells of; that is in the "
        "transcript too."
    ),
    Code.VERY_QUIET: N_(
        "For %(length)s the speech is very quiet and was amplified a lot: check the text against "
        "the recording."
    ),
    Code.CLIPPED: N_(
        "For %(length)s the sound is overdriven and cut off, so words may be wrong there."
    ),
}

_PLACES = {
    Code.SHORTER_THAN_ANNOUNCED: N_("%(sentence)s The sound ends at %(time)s."),
    Code.BYTES_AFTER_THE_END: N_("%(sentence)s It begins at %(time)s."),
    Code.CLOCK_RESET: N_("%(sentence)s That is at %(time)s."),
}
_FIRST_PLACE = N_("%(sentence)s First at %(time)s.")

_BEGINNING_S = 1.0
"""Seconds before which what begins is not told to begin there: it is from the start."""


def warning_text(code: str, confidence: float | None = None) -> str:
    """Text of a warning about the transcript or the file, by its code alone.

    `confidence` is the share of words of low confidence, from 0 to 1.
    """
    if code == "low_confidence" and confidence is not None:
        return _(
            "%(share)s of the words were recognised with little certainty: check the text against "
            "the recording. Noise, a distant microphone or people who speak at once are the usual "
            "reasons.",
            share=share(confidence),
        )
    if code in _OF_FILE:
        return recording_warning_text(RecordingWarning(Code(code)))
    known = _OF_TRANSCRIPT.get(code)
    return _(known) if known else code.replace("_", " ").capitalize() + "."


def recording_warning_text(warning: RecordingWarning, report: RecordingReport | None = None) -> str:
    """A warning as a sentence in the reader's language, with its seconds and its time as far as
    they are known; without `report` nothing of the recording is known but that it is so."""
    code, seconds, at_s = warning.code, warning.seconds, warning.at_s
    left_out = [
        str(track.number)
        for track in (report.tracks if report else ())
        if track.use is TrackUse.LEFT_OUT
    ]
    if code is Code.TRACKS_LEFT_OUT and left_out:
        sentence = ngettext(
            "Sound track %(numbers)s was not heard, so what is said on it is missing.",
            "Sound tracks %(numbers)s were not heard, so what is said on them is missing.",
            len(left_out),
            numbers=", ".join(left_out),
        )
    elif code is Code.BYTES_AFTER_THE_END and warning.bytes_unheard:
        return _(
            "%(count)s bytes of the file, behind the sound that ends at %(time)s, could not be "
            "read: if somebody speaks there, it is missing.",
            count=f"{warning.bytes_unheard:,}",
            time=clock(at_s or 0.0),
        )
    elif code is Code.BYTES_AFTER_THE_END and report and not seconds:
        sentence = _(
            "The file goes on behind the end that it tells of, with something that is not sound."
        )
    elif code is Code.CLOCK_RESET and seconds:
        sentence = _jump_text(seconds)
    elif seconds and code in _WITH_SECONDS:
        sentence = _(_WITH_SECONDS[code], length=seconds_text(seconds))
    else:
        sentence = _(_WITHOUT_NUMBERS[code])
    if at_s is None or at_s < _BEGINNING_S:
        return sentence
    return _(_PLACES.get(code, _FIRST_PLACE), sentence=sentence, time=clock(at_s))


def _jump_text(seconds: float) -> str:
    length = seconds_text(abs(seconds))
    if seconds < 0:
        return _(
            "The file's clock jumps back by %(length)s, which was taken for an error: check the "
            "times that follow.",
            length=length,
        )
    return _(
        "The file's clock jumps ahead by %(length)s, which was taken for an error: check the times "
        "that follow.",
        length=length,
    )
