"""The page of words: lists of replacements, kept with forms alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.words.replacements import lists
from shared.words.replacements.pairs import MOST_PAIRS, Pair
from tests.support.web.web_app import make_app


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    return make_app(database_url, tmp_path)


def post(client: FlaskClient, address: str, **form: str) -> tuple[int, str]:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/words").text)
    assert token
    answer = client.post(address, data={"csrf_token": token[1], **form}, follow_redirects=True)
    return answer.status_code, answer.text


def test_a_pair_is_added_and_removed(client: FlaskClient, rows: Database) -> None:
    assert 'href="/words"' in client.get("/").text
    status, shown = post(client, "/words/replacements", wrong="<b>阿</b>", right="API")
    assert status == 200
    assert "&lt;b&gt;阿&lt;/b&gt;" in shown and "<b>阿" not in shown
    assert "From now on" in shown
    [remove] = re.findall(r"/words/replacements/\d+/remove", shown)
    _, shown = post(client, remove)
    assert lists.read_all(rows, LOCAL_OWNER) == [] and remove not in shown
    assert post(client, remove)[0] == 404


def test_many_are_pasted_and_what_is_wrong_is_named(client: FlaskClient, rows: Database) -> None:
    status, shown = post(client, "/words/replacements/many", pairs="甲 => 乙\r\n丙\t丁\r\n")
    assert status == 200 and "2 pairs now" in shown
    status, shown = post(client, "/words/replacements/many", pairs="戊 => 己\r\n庚\r\n")
    assert status == 400
    assert "Line 2: Write each pair" in shown and "戊 =&gt; 己" in shown
    client.set_cookie("longscribe_language", "zh")
    status, shown = post(client, "/words/replacements/many", pairs="戊 => 己\r\n庚\r\n")
    assert "第 2 行：每行写一条" in shown
    assert lists.read_all(rows, LOCAL_OWNER) == [Pair("甲", "乙"), Pair("丙", "丁")]
    post(client, "/words/replacements/many", pairs="甲 => 乙", only="yes")
    assert lists.read_all(rows, LOCAL_OWNER) == [Pair("甲", "乙")]


def test_a_refused_pair_is_not_typed_again(client: FlaskClient) -> None:
    status, shown = post(client, "/words/replacements", wrong="阿皮艾", right="。")
    assert status == 400
    assert 'value="阿皮艾"' in shown and "Each side of a pair" in shown
    assert post(client, "/words/replacements", wrong="甲", right="乙", list="x")[0] == 400


def test_a_long_list_is_shown_in_pages(client: FlaskClient, rows: Database) -> None:
    lists.put(rows, LOCAL_OWNER, [Pair(f"wrong {n}", "right") for n in range(60)], only=True)
    shown = client.get("/words").text
    seen = []
    while True:
        seen += re.findall(r"<td>wrong (\d+)</td>", shown)
        older = re.search(r'href="([^"]+)">Older', shown)
        if older is None:
            break
        shown = client.get(older[1].replace("&amp;", "&")).text
    assert seen == [str(n) for n in reversed(range(60))]
    assert re.findall(r"<td>wrong (\d+)</td>", client.get("/words?own-q=WRONG 42").text) == ["42"]
    assert client.get("/words?own-q=%00").status_code == 200
    begun = re.findall(r"<td>wrong (\d+)</td>", client.get("/words").text)
    for no_place in ("x", "-1", "1", str(10**30), "A" * 32):
        shown = client.get(f"/words?own-from={no_place}").text
        assert re.findall(r"<td>wrong (\d+)</td>", shown) == begun
        assert "The list goes on from that place no more" in shown


def test_the_longest_list_of_long_names_fits_into_the_form(
    client: FlaskClient, rows: Database
) -> None:
    lines = (f"{'词' * 60}{n:04}\t{'字' * 60}{n:04}\r\n" for n in range(MOST_PAIRS))
    status, shown = post(client, "/words/replacements/many", pairs="".join(lines))
    assert status == 200 and "5000 pairs now" in shown
    assert len(lists.read_all(rows, LOCAL_OWNER)) == MOST_PAIRS
