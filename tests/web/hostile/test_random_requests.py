"""Nothing that is sent is answered by an error of the server, or kept and not given back.

tests/chaos/test_random_requests.py sends 20,000.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.web.answering_all import answer_all


@pytest.mark.parametrize("sign_in", [False, True], ids=["alone", "signed in"])
def test_requests_at_random_are_answered(
    database_url: str, tmp_path: Path, *, sign_in: bool
) -> None:
    statuses = answer_all(database_url, tmp_path, count=300, seed=8, sign_in=sign_in)
    assert sum(statuses.values()) == 300
    assert {200, 202, 400, 404} <= set(statuses)
