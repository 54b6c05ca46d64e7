"""20,000 requests at random on each database: no answer from 500 on, and all that was kept comes
back."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support.web.answering_all import answer_all

SEED = int(os.environ.get("CHAOS_SEED", "20261129"))


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("sign_in", [False, True], ids=["alone", "signed in"])
def test_twenty_thousand_requests_are_answered(
    database_url: str, tmp_path: Path, *, sign_in: bool
) -> None:
    statuses = answer_all(database_url, tmp_path, count=10_000, seed=SEED, sign_in=sign_in)
    print(f"10,000 requests, seed {SEED}: {dict(sorted(statuses.items()))}")
