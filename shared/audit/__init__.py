"""The audit log: who did what, when and from where.

`acts` has what is recorded, `actor` who acts just now, `record` writes an entry in the transaction
of the act, `group_acts` does so where it may be a group's that something is done to, `reading`
lists entries, `export` writes them as CSV and JSON Lines, and `retention` deletes those that were
kept long enough.
"""

from shared.audit.actor import COMMAND, SERVER, Actor, current_actor, let_act
from shared.audit.acts import KINDS, Act, Means
from shared.audit.export import WRITERS, as_values
from shared.audit.group_acts import GroupId, hold_group, record_of_group
from shared.audit.reading import AuditFilter, Entry, every_entry, page_of
from shared.audit.record import record, record_each, record_limited, take_out_person
from shared.audit.retention import forget

__all__ = [
    "COMMAND",
    "KINDS",
    "SERVER",
    "WRITERS",
    "Act",
    "Actor",
    "AuditFilter",
    "Entry",
    "GroupId",
    "Means",
    "as_values",
    "current_actor",
    "every_entry",
    "forget",
    "hold_group",
    "let_act",
    "page_of",
    "record",
    "record_each",
    "record_limited",
    "record_of_group",
    "take_out_person",
]
