"""Check whether the decoder can be confined where `longscribe doctor` runs."""

from __future__ import annotations

from shared.cli.doctor.finding import Finding, ok, problem, warning
from shared.settings import Settings
from worker.audio.sandbox.check import why_unavailable

_WHAT_TO_DO = (
    "Let the container's profile allow prctl and seccomp, or run the worker on x86-64 or arm64."
)


def check_sandbox(settings: Settings) -> list[Finding]:
    """Try the filter on system calls, under which recordings are decoded."""
    reason = why_unavailable()
    if reason is None:
        return [ok("sandbox", "the decoder can be confined")]
    if settings.sandbox_required:
        finding = f"not here ({reason}), and required: no worker starts"
        return [problem("sandbox", finding, _WHAT_TO_DO)]
    finding = f"not here ({reason}): recordings are decoded without a filter on system calls"
    return [warning("sandbox", finding, _WHAT_TO_DO)]
