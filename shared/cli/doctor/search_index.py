"""Check of `longscribe doctor` on the search index."""

from __future__ import annotations

from shared.cli.doctor.finding import Finding, ok, problem
from shared.db import Database
from shared.search import entries

_REBUILD = "Fill it anew: longscribe search-index --rebuild"


def check_search_index(db: Database) -> list[Finding]:
    """Check that a search finds every job, and some jobs by the index."""
    found = entries.state(db)
    if found.missing:
        return [problem("search index", f"no search finds {found.missing} jobs", _REBUILD)]
    if found.wrong:
        finding = f"it does not name {found.wrong} of some jobs by their own words"
        return [problem("search index", finding, _REBUILD)]
    if found.behind:
        finding = f"{found.behind} of {found.jobs} jobs wait for a worker to index them; "
        return [ok("search index", finding + "searches compare these one by one meanwhile")]
    return [ok("search index", f"has all {found.jobs} jobs")]
