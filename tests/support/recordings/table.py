"""The table of docs/recordings.md: what becomes of each kind of recording in each condition.

    python -m tests.support.recordings.table

decodes every recording of the grid and writes the table anew; it prints what is wrong.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.support.recordings.judging import judge
from tests.support.recordings.kinds import KINDS, Condition
from tests.support.recordings.makers import Workshop, sample_meeting
from tests.support.recordings.places import Original

DOCUMENT = Path(__file__).parents[3] / "docs" / "recordings.md"

_BEGINS = "<!-- The grid begins: written by python -m tests.support.recordings.table -->"
_ENDS = "<!-- The grid ends -->"


def write(cells: dict[tuple[str, Condition], str]) -> str:
    """The table in Markdown; empty where a kind cannot hold a condition."""
    lines = [
        "| | " + " | ".join(Condition) + " |",
        "|---|" + "---|" * len(Condition),
    ]
    for name in KINDS:
        row = [cells.get((name, condition), "") for condition in Condition]
        lines.append(f"| {name} | " + " | ".join(row) + " |")
    return "\n".join(lines)


def read(document: str) -> dict[tuple[str, Condition], str]:
    """The cells of a document that holds what `write` gave."""
    lines = document.split(_BEGINS)[1].split(_ENDS)[0].strip().splitlines()
    cells = {}
    for line in lines[2:]:
        name, *row = (cell.strip() for cell in line.strip("|").split("|"))
        for condition, cell in zip(Condition, row, strict=True):
            if cell:
                cells[name, condition] = cell
    return cells


def main() -> int:
    """Write the document's table; 1 if a recording is not decoded as it should be."""
    original = Original(sample_meeting())
    cells = {}
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        workshop = Workshop(Path(folder))
        for name, kind in KINDS.items():
            for condition in kind.conditions:
                path = workshop.make(kind, condition)
                outcome = judge(kind, condition, path, original)
                cells[name, condition] = outcome.cell
                for problem in outcome.problems:
                    wrong += 1
                    print(f"{name}, {condition}: {problem}")
    before, _, rest = DOCUMENT.read_text().partition(_BEGINS)
    _, _, after = rest.partition(_ENDS)
    DOCUMENT.write_text(f"{before}{_BEGINS}\n\n{write(cells)}\n\n{_ENDS}{after}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
