"""Data of an owner: exported as one file, and erased.

`tables` says of each table what of it is an owner's, `rows` reads it, `export` makes the file and
`erasure` deletes all of it.
"""

from shared.owner_data.erasure import SETTLES_S, Left, ask, asked_for, go_on
from shared.owner_data.export import ExportContents, export_of

__all__ = ["SETTLES_S", "ExportContents", "Left", "ask", "asked_for", "export_of", "go_on"]
