"""The order in which tests are handed out to the processes that run them."""

from __future__ import annotations

from itertools import groupby

from tests.support.handing_out import places, unit_of


def handed_out(nodeids: list[str]) -> list[str]:
    """The units in their order, one for each time that another begins."""
    begins = places(nodeids)
    ordered = sorted(nodeids, key=lambda nodeid: begins[unit_of(nodeid)])
    return [unit for unit, _ in groupby(ordered, key=unit_of)]


def test_what_waits_begins_beside_what_computes_and_not_at_the_end() -> None:
    waits = [f"tests/e2e/test_{n}.py::test_it" for n in range(4)]
    starts = [f"tests/integration/test_{n}.py::test_it" for n in range(4)]
    computes = [f"tests/unit/test_{n}.py::test_it[{m}]" for n in range(20) for m in range(2)]
    order = handed_out([*waits, *starts, *computes])
    assert sorted(order) == sorted({unit_of(nodeid) for nodeid in (*waits, *starts, *computes)})
    kinds = [unit.split("/")[1] for unit in order]
    for kind in ("e2e", "integration"):
        beside = [found for found in kinds if found in ("unit", kind)]
        assert [found for found, _ in groupby(beside)] == [kind, "unit"] * 4
    assert kinds[-4:] == ["unit"] * 4


def test_a_folder_of_the_browser_is_one_unit_and_every_other_file_its_own() -> None:
    assert unit_of("tests/e2e/reading/test_a.py::test_it[x/y::z]") == "tests/e2e/reading"
    assert unit_of("tests/e2e/test_a.py::test_it") == "tests/e2e/test_a.py"
    assert unit_of("tests/unit/audio/test_a.py::TestIt::test_it") == "tests/unit/audio/test_a.py"
