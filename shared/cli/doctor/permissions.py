"""Check whether other users of the machine can read files of Longscribe."""

from __future__ import annotations

from shared.cli.doctor.finding import Finding, ok, warning
from shared.private_files import has_others_in_it, open_to_others
from shared.settings import Settings

_MOST_NAMED = 3


def check_permissions(settings: Settings) -> list[Finding]:
    """Name the files and folders that are open beyond LONGSCRIBE_UMASK."""
    if has_others_in_it(settings):
        return [
            warning(
                "permissions",
                f"{settings.data_dir} holds other things than Longscribe's",
                "Nothing in it was looked at or closed to other users. Give Longscribe a folder of "
                "its own in LONGSCRIBE_DATA_DIR, or take away with chmod what others may do.",
            )
        ]
    found = open_to_others(settings)
    if not found:
        return [ok("permissions", f"nobody else can read it (umask {settings.umask})")]
    named = ", ".join(str(path) for path in found[:_MOST_NAMED])
    more = f" and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
    return [
        warning(
            "permissions",
            f"other users of this machine have access to {named}{more}",
            "Longscribe closes what belongs to its user when it starts. Close the rest with chmod, "
            "or set LONGSCRIBE_UMASK for a group that shares the folder.",
        )
    ]
