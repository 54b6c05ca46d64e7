"""`python -m worker.audio.decoder.child TERMS`: decode standard input to standard output.

Sound leaves on standard output (`worker.audio.decoder.records`).  What there is to say goes to
standard error, one JSON object a line: {"event": "guard" | "header" | "done" | "error", ...}.  The
parent believes none of it without a check, since whoever wrote the file may have taken over this
process.  `TERMS` is a JSON object: parent_pid, memory_bytes, cpu_s, track (a number, or null),
sandbox_required.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from typing import Any

from worker.audio.sandbox import resource_limits, seccomp
from worker.audio.sandbox.system_calls import Role

_BUFFER_BYTES = 1 << 16
_ERROR_EXIT = 3


def report(event: str, **facts: object) -> None:
    os.write(2, json.dumps({"event": event} | facts).encode() + b"\n")


def main(terms: dict[str, Any]) -> int:
    resource_limits.die_with_parent(terms["parent_pid"])
    resource_limits.limit_resources(terms["memory_bytes"], terms["cpu_s"])
    # Imported here: under the limits, yet before the filter, which would not let it open files.
    import av

    from worker.audio.decoder import formats, media
    from worker.audio.decoder.records import RecordHeader

    pcm = open(1, "wb", buffering=_BUFFER_BYTES, closefd=False)  # noqa: SIM115 - flushed below

    def write(header: RecordHeader, planes: list[memoryview]) -> None:
        pcm.write(header.pack())
        for plane in planes:
            pcm.write(plane)

    size = os.fstat(0).st_size
    try:
        seccomp.confine(Role.DECODER)
        report("guard", confined=True)
    except seccomp.SeccompUnavailable as refusal:
        report("guard", confined=False, reason=str(refusal))
        if terms["sandbox_required"]:
            return _ERROR_EXIT
    if unread := formats.unread_kind(os.pread(0, 16, 0)):
        report("error", code=unread)
        return _ERROR_EXIT
    try:
        recording = media.Recording(0, size, terms["track"])
        report("header", **dataclasses.asdict(recording.header))
        tally = recording.decode(write)
        pcm.flush()
        report("done", **dataclasses.asdict(tally))
        return 0
    except media.NoAudioStream:
        report("error", code="no_audio")
    except media.NoSuchTrack:
        report("error", code="no_such_track")
    except media.Encrypted:
        report("error", code="encrypted")
    except media.NothingDecoded:
        report("error", code="nothing_decoded")
    except MemoryError:
        report("error", code="memory")
    except av.FFmpegError as failure:
        report("error", code="unsupported_media", reason=failure.strerror)
    return _ERROR_EXIT


if __name__ == "__main__":
    # Leaving through os._exit skips a tear-down that could crash on what a file left behind.
    status = main(json.loads(sys.argv[1]))
    os._exit(status)
