"""Templates of reports that go to another owner, who may have some of the same names, or that end
with the group whose they are."""

from __future__ import annotations

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from shared.models import LONGEST_TEMPLATE_NAME, NamedReportTemplate


def rename_templates_of_both(session: Session, from_owner: str, to_owner: str) -> None:
    """Number the names of one owner's templates that another's have too, before they are given."""
    rows = session.execute(
        select(NamedReportTemplate.id, NamedReportTemplate.owner_id, NamedReportTemplate.name)
        .where(NamedReportTemplate.owner_id.in_((from_owner, to_owner)))
        .order_by(NamedReportTemplate.id)
    ).all()
    kept = {row.name for row in rows if row.owner_id == to_owner}
    taken = {row.name for row in rows}
    for row in rows:
        if row.owner_id == to_owner or row.name not in kept:
            continue
        name = _free_name(row.name, taken)
        taken.add(name)
        session.execute(
            update(NamedReportTemplate)
            .where(NamedReportTemplate.id == row.id)
            .values(name=name)
            .execution_options(synchronize_session=False)
        )


def end_templates(session: Session, group_id: str) -> None:
    """Delete the templates of a group that is deleted."""
    session.execute(
        delete(NamedReportTemplate)
        .where(NamedReportTemplate.owner_id == group_id)
        .execution_options(synchronize_session=False)
    )


def _free_name(name: str, taken: set[str]) -> str:
    number = 2
    while True:
        suffix = f" ({number})"
        numbered = name[: LONGEST_TEMPLATE_NAME - len(suffix)] + suffix
        if numbered not in taken:
            return numbered
        number += 1
