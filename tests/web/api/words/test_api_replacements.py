"""Keeping lists of replacements over the API, and taking back what they changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.db import Database
from shared.models import LOCAL_OWNER
from shared.states import JobStatus
from shared.words.replacements import lists
from shared.words.replacements.pairs import MAX_FILE_BYTES
from tests.support import factories
from tests.support.web.web_app import make_app, submit

ADDRESS = "/api/v1/replacements"


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Flask:
    return make_app(database_url, tmp_path)


def pairs(client: FlaskClient, query: str = "") -> list[tuple[str, str]]:
    answer = client.get(f"{ADDRESS}{query}").get_json()
    return [(pair["wrong"], pair["right"]) for pair in answer["replacements"]]


def test_a_pair_is_added_found_and_removed(client: FlaskClient) -> None:
    made = client.post(ADDRESS, json={"wrong": "阿皮艾", "right": "API"})
    assert made.status_code == 201
    assert made.get_json() == {"id": made.get_json()["id"], "wrong": "阿皮艾", "right": "API"}
    client.post(ADDRESS, json={"wrong": "kube", "right": "Kubernetes"})
    assert pairs(client) == [("kube", "Kubernetes"), ("阿皮艾", "API")]
    assert pairs(client, "?q=api") == [("阿皮艾", "API")]
    first = client.get(f"{ADDRESS}?limit=1").get_json()
    assert (first["total"], first["writable"]) == (2, True)
    assert pairs(client, f"?limit=1&cursor={first['next_cursor']}") == [("阿皮艾", "API")]
    for no_place in (str(made.get_json()["id"]), first["next_cursor"][::-1]):
        assert client.get(f"{ADDRESS}?cursor={no_place}").status_code == 400
    gone = f"{ADDRESS}/{made.get_json()['id']}"
    assert client.delete(gone).status_code == 204
    assert client.delete(gone).get_json()["error"]["code"] == "pair_not_found"
    assert pairs(client) == [("kube", "Kubernetes")]


def test_a_list_is_uploaded_and_downloaded(client: FlaskClient) -> None:
    def send(method: str, text: str) -> dict[str, int]:
        answer = client.open(f"{ADDRESS}/text", method=method, data=text.encode())
        assert answer.status_code == 200, answer.text
        return dict(answer.get_json())

    assert send("POST", "甲 => 乙\n丙\t丁\n") == {"added": 2, "removed": 0, "total": 2}
    assert send("POST", "戊 => 己\n") == {"added": 1, "removed": 0, "total": 3}
    assert send("PUT", "甲 => 乙\n戊 => 庚\n") == {"added": 1, "removed": 2, "total": 2}
    file = client.get(f"{ADDRESS}/text")
    assert file.text == "甲\t乙\n戊\t庚\n"
    assert "replacements.txt" in file.headers["Content-Disposition"]
    assert send("PUT", file.text) == {"added": 0, "removed": 0, "total": 2}


def test_what_is_wrong_is_named_and_nothing_is_kept(client: FlaskClient) -> None:
    refused = client.post(f"{ADDRESS}/text", data="甲 => 乙\n丙\n".encode())
    assert refused.status_code == 400
    assert refused.get_json()["error"]["code"] == "no_pair"
    assert "Line 2" in refused.get_json()["error"]["message"]
    # A program that forgets the body empties no list; one that means it sends a line with a #.
    assert client.put(f"{ADDRESS}/text").status_code == 400
    assert client.put(f"{ADDRESS}/text", data=b"#").get_json()["total"] == 0
    too_long = client.put(f"{ADDRESS}/text", data=b"#" * (MAX_FILE_BYTES + 1))
    assert too_long.status_code == 413
    for body in ({"wrong": "甲"}, {"wrong": "甲", "right": ""}, {"wrong": 1, "right": "乙"}):
        assert client.post(ADDRESS, json=body).status_code == 400
    empty = client.post(ADDRESS, json={"wrong": "甲", "right": "。"}).get_json()["error"]
    assert (empty["code"], empty["param"]) == ("unusable_pair", "right")
    assert client.get(f"{ADDRESS}?list=nobody").status_code == 400
    assert pairs(client) == []


def test_a_submission_says_whether_lists_are_applied(client: FlaskClient) -> None:
    assert submit(client).get_json()["replacements"] == "on"
    assert submit(client, replacements="on").get_json()["replacements"] == "on"
    assert submit(client, replacements="off").get_json()["replacements"] == "off"
    refused = submit(client, replacements="perhaps")
    assert refused.status_code == 400
    assert refused.get_json()["error"]["param"] == "replacements"


def test_a_key_is_repeated_whatever_became_of_the_list(client: FlaskClient) -> None:
    first = submit(client, key="once").get_json()["id"]
    client.post(ADDRESS, json={"wrong": "甲", "right": "乙"})
    assert submit(client, key="once").get_json()["id"] == first


def test_what_a_list_changed_is_told_and_taken_back(client: FlaskClient, rows: Database) -> None:
    lists.add(rows, LOCAL_OWNER, wrong="大家", right="各位")
    job = f"/api/v1/jobs/{factories.a_job(rows, JobStatus.COMPLETED)}"
    sentence = client.get(f"{job}/sentences/0").get_json()
    assert (sentence["text"], sentence["recognised_text"]) == ("各位好。", "大家好。")
    assert (sentence["rule"], sentence["editor"]) == ("replacements", None)
    whole = client.get(f"{job}/transcript?format=json").get_json()
    assert [s["rule"] for s in whole["sentences"]] == ["replacements", None]
    assert client.get(f"{job}/transcript?format=txt").text.startswith("各位好。")

    rules = client.get(f"{job}/rules").get_json()
    assert (rules["applied"], rules["undone"]) == (1, 0)
    for applied, text in ((False, "大家好。"), (False, "大家好。"), (True, "各位好。")):
        answer = client.put(f"{job}/rules", json={"applied": applied}).get_json()
        assert (answer["applied"], answer["undone"]) == (int(applied), int(not applied))
        assert client.get(f"{job}/sentences/0").get_json()["text"] == text
    assert client.put(f"{job}/rules", json={"applied": 1}).status_code == 400
    waiting = f"/api/v1/jobs/{factories.submit(rows)}"
    assert client.get(f"{waiting}/rules").status_code == 409
