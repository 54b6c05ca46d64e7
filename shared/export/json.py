"""Everything that is known, times in seconds."""

from __future__ import annotations

import json

from shared.transcript import Transcript


def write(transcript: Transcript, job_id: str) -> str:
    value = {"job_id": job_id, **transcript.to_json()}
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
