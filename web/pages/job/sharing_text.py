"""Access and its changes in words."""

from __future__ import annotations

from flask_babel import gettext as _

from shared.sharing import AccessLevel, SharingChange, SharingRecord
from web.i18n.languages import N_

LEVELS = {
    AccessLevel.READ: N_("read"),
    AccessLevel.CORRECT: N_("read and correct"),
}


def level_text(level: AccessLevel | str) -> str:
    """Name of an access level in the reader's language."""
    return _(LEVELS[AccessLevel(level)]) if level in LEVELS else str(level)


def change_text(change: SharingRecord) -> str:
    """A line of the history about who may see a recording."""
    name = str(change.detail.get("name", ""))
    if change.kind in (SharingChange.LINK_MADE, SharingChange.LINK_WITHDRAWN):
        name = name or _("without a name")
    level = level_text(str(change.detail.get("level", "")))
    return _(_CHANGES[change.kind], name=name, level=level)


_CHANGES = {
    SharingChange.SHARED: N_("Shared with %(name)s: %(level)s"),
    SharingChange.CHANGED: N_("%(name)s may do something else now: %(level)s"),
    SharingChange.WITHDRAWN: N_("No longer shared with %(name)s"),
    SharingChange.LINK_MADE: N_("Link without sign-in made: %(name)s"),
    SharingChange.LINK_WITHDRAWN: N_("Link without sign-in withdrawn: %(name)s"),
}
