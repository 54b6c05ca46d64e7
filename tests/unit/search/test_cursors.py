"""A place of a search leaves the server so that only its owner can go on from it."""

from __future__ import annotations

import re

import pytest

from shared.cursors import HiddenPlaces
from shared.errors import InvalidRequest
from shared.search.cursors import JOB_CURSOR, Cursors

JOB_ID = "0193a1f0-7c1e-7b6a-9a51-2f0c7d1e4b5a"


@pytest.mark.parametrize("place", ["1", "123456789", str(2**62)])
def test_a_place_is_found_again_by_its_owner_alone(place: str) -> None:
    own = Cursors("secret", "ann")
    hidden = own.hide(place)
    assert hidden is not None and re.fullmatch(JOB_CURSOR, hidden)
    assert len(hidden) == 32, "of every place as long"
    assert Cursors(b"secret", "ann").hide(place) == hidden, "what did not change stays as it is"
    assert own.find(hidden) == place
    for other in (Cursors("secret", "bo"), Cursors("another", "ann")):
        assert other.hide(place) != hidden
        with pytest.raises(InvalidRequest) as refused:
            other.find(hidden)
        assert refused.value.param == "cursor"


def test_a_job_and_the_end_stay_what_they_are() -> None:
    own = Cursors("secret", "ann")
    for cursor in (JOB_ID, None):
        assert own.hide(cursor) == own.find(cursor) == cursor
    assert not re.fullmatch(JOB_CURSOR, "123456")


@pytest.mark.parametrize("text", ["5", "-1", "", "A" * 32, "é" * 32, "x" * 33])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        HiddenPlaces("secret", "ann", of="revisions").find(text)


@pytest.mark.parametrize("place", ["", "12-345-0123456789ab", f"{10**17}-{10**17}-0123456789ab"])
def test_a_place_may_be_a_text(place: str) -> None:
    own = HiddenPlaces("secret", "ann", of="events")
    assert own.find_text(own.hide_text(place)) == place
    with pytest.raises(InvalidRequest):
        HiddenPlaces("secret", "bo", of="events").find_text(own.hide_text(place))


def test_a_place_of_one_kind_of_list_is_none_of_another() -> None:
    hidden = HiddenPlaces("secret", "ann", of="revisions").hide(7)
    assert HiddenPlaces("secret", "ann", of="revisions").find(hidden) == 7
    with pytest.raises(InvalidRequest):
        HiddenPlaces("secret", "ann", of="replacements").find(hidden)
    with pytest.raises(InvalidRequest):
        Cursors("secret", "ann").find(hidden)
