"""The variables of the environment that are more, or less, than a setting each."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path

from shared.errors import LongscribeError

PREFIX = "LONGSCRIBE_"
FROM_FILES = (
    *("database_url", "redis_url", "secret_key", "minutes_api_key", "mail_password"),
    *("s3_access_key_id", "s3_secret_access_key"),
    "oidc_providers",
)
"""Settings that hold a secret: LONGSCRIBE_<NAME>_FILE may name a file with the value."""

_WHOLE_FILES = frozenset({"oidc_providers"})
"""Settings whose value is all of the file that FROM_FILES lets be named, and not its first line."""

_OF_OTHERS = ("LONGSCRIBE_PUBLISH", "LONGSCRIBE_SERVER", "LONGSCRIBE_API_KEY")
"""Variables that docker-compose.yml and the commands for a server elsewhere use, and no process of
a server."""

FOREIGN = "LONGSCRIBE_X_"
"""Prefix that the names of other programs' variables may have; nothing here ever reads one."""

_LEFT_ALONE = (FOREIGN, "LONGSCRIBE_TEST_")
"""Beginnings of names that are no setting and no mistake."""

_OF_A_SERVICE = re.compile(r"_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_\w+)?$")
"""Names that Kubernetes sets in each container for each service of its namespace, beside
NAME_PORT."""


_FROM_KUBERNETES = (
    "and looks as if Kubernetes had made it for a service of that name: set enableServiceLinks: "
    "false for the pod, or name the service otherwise"
)


class InvalidSettings(LongscribeError):
    code = "invalid_settings"


def file_variable(name: str) -> str:
    """The variable that names the file with the value of the setting `name`."""
    return f"{PREFIX}{name.upper()}_FILE"


def read_secret_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The values of settings that stand in files: their first line, or all of it for a list.

    Raises InvalidSettings if one cannot be read, or is set in the environment too.
    """
    values = {}
    # As settings are read: a name is the same in capitals or not.
    environment = {name.upper(): value for name, value in environment.items()}
    for name in FROM_FILES:
        variable = file_variable(name)
        path = environment.get(variable)
        if not path:
            continue
        if environment.get(f"{PREFIX}{name.upper()}"):
            raise InvalidSettings(f"{PREFIX}{name.upper()} and {variable} are both set; keep one")
        try:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise InvalidSettings(f"{variable}: {path} cannot be read: {reason}") from None
        if not any(map(str.strip, lines if name in _WHOLE_FILES else lines[:1])):
            raise InvalidSettings(f"{variable}: {path} is empty")
        values[name] = "\n".join(lines) if name in _WHOLE_FILES else lines[0].strip()
    return values


def unknown_variables(environment: Mapping[str, str], settings: Collection[str]) -> list[str]:
    """A sentence for each variable that looks like a setting and is none of `settings`, with the
    name that was probably meant, and then how a foreign one may stay."""
    known = {f"{PREFIX}{name.upper()}" for name in settings} | {*map(file_variable, FROM_FILES)}
    short = [name.removeprefix(PREFIX) for name in sorted(known)]
    said = []
    for name in sorted(environment):
        upper = name.upper()
        if not upper.startswith(PREFIX) or upper.startswith(_LEFT_ALONE):
            continue
        if upper in known:
            if upper.endswith("_PORT") and "://" in environment[name]:
                said.append(f"{name} is {environment[name]}, {_FROM_KUBERNETES}")
            continue
        if upper in _OF_OTHERS:
            continue
        if _OF_A_SERVICE.search(upper) or ("://" in environment[name] and upper.endswith("_PORT")):
            said.append(f"{name} is no setting, {_FROM_KUBERNETES}")
            continue
        # Without what all have in common, by which they would all be near.
        close = get_close_matches(upper.removeprefix(PREFIX), short, n=1)
        meant = (
            f"; do you mean {PREFIX}{close[0]}?" if close else "; docs/settings.md has all of them"
        )
        said.append(f"{name} is no setting{meant}")
    if said:
        said.append(f"another program's variable is left alone if its name begins with {FOREIGN}")
    return said
