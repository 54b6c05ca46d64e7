"""Text in a query that no database takes."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

from tests.support.web.web_app import make_app

NUL = "\0"


def test_a_nul_in_any_field_of_a_query_is_refused_or_finds_nothing(
    postgresql_url: str, tmp_path: Path
) -> None:
    """PostgreSQL, for SQLite would compare it."""
    client = make_app(postgresql_url, tmp_path).test_client()
    document = client.get("/api/openapi.json").get_json()
    asked = 0
    for path, operations in document["paths"].items():
        address = re.sub(r"\{[^}]*\}", str(UUID(int=7)), path)
        for parameter in operations.get("get", {}).get("parameters", []):
            schema = parameter["schema"]
            if parameter["in"] != "query" or schema.get("type") != "string":
                continue
            for length in {schema.get("minLength", 1), 36}:
                answer = client.get(address, query_string={parameter["name"]: NUL * length})
                assert answer.status_code < 500, (path, parameter["name"])
                asked += 1
    assert asked > 40
