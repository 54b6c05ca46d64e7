"""LONGSCRIBE_OIDC_PROVIDERS: what is refused at the start, and that no secret is quoted then."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.settings import load_settings
from shared.settings.environment import InvalidSettings

SECRET = "do-not-quote-me"


def provider(**changes: Any) -> dict[str, Any]:
    told = {
        "id": "office",
        "name": "Office",
        "issuer": "https://id.example.org/",
        "client_id": "longscribe",
        "client_secret": SECRET,
    }
    return {name: value for name, value in (told | changes).items() if value is not None}


REFUSED: list[tuple[object, str]] = [
    ("{", "must be a list"),
    ([provider()] * 11, "must be a list of at most 10"),
    ({"id": "office"}, "must be a list"),
    ([provider(client_id=None)], "provider 1: client_id: Field required"),
    ([provider(), provider(issuer="https://other.example")], "have the same id"),
    ([provider(), provider(id="other")], "have the same issuer"),
    ([provider(id="../x")], "provider 1: id"),
    ([provider(admin_group="x")], "provider 1: admin_group"),
    ([provider(admin_groups="x")], "provider 1: admin_groups"),
    ([provider(groups=["staff"])], "provider 1: groups"),
    ([provider(groups={"staff": " "})], "provider 1: groups: each of our groups"),
    ([provider(issuer="http://id.example.org")], "https://"),
    ([provider(issuer="https://a@id.example.org")], "must be an address"),
    ([provider(issuer="https://id.example.org/?x")], "must be an address"),
    ([provider(client_secret_file="/x")], "keep one"),
    ([provider(client_secret=None, client_secret_file="/nothing/here")], "cannot be read"),
]


@pytest.mark.parametrize(("value", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_makes_no_sense_is_refused(
    monkeypatch: pytest.MonkeyPatch, value: object, said: str
) -> None:
    text = value if isinstance(value, str) else json.dumps(value)
    monkeypatch.setenv("LONGSCRIBE_OIDC_PROVIDERS", text)
    with pytest.raises(InvalidSettings) as caught:
        load_settings()
    assert said in caught.value.message and "OIDC_PROVIDERS" in caught.value.message
    assert SECRET not in caught.value.message


def test_the_list_and_each_secret_may_stand_in_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    told = provider(client_secret=None, client_secret_file=str(tmp_path / "secret"))
    told |= {"scopes": ["profile"], "issuer": "http://localhost:8080"}
    (tmp_path / "list").write_text("\n" + json.dumps([told], indent=1))
    monkeypatch.setenv("LONGSCRIBE_OIDC_PROVIDERS_FILE", str(tmp_path / "list"))
    settings = load_settings()
    (read,) = settings.oidc
    assert read.client_secret.get_secret_value() == SECRET
    assert read.scopes == ["openid", "profile"] and not read.create_accounts
    assert SECRET not in repr(settings) and SECRET not in repr(read)
