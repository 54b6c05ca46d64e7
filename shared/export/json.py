"""Everything that is known, times in seconds."""

from __future__ import annotations

import json

from shared.transcript import Transcript


def write(transcript: Transcript, job_id: str) -> str:
    value = {"job_id": job_id, **transcript.to_json()}
    for n, sentence in enumerate(transcript.sentences):
        # Where a correction of it goes, what it has to be made from, and whether there is one.
        value["sentences"][n] |= {
            "n": n if sentence.n is None else sentence.n,
            "revision": sentence.revision,
            "corrected": sentence.corrected,
        }
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
