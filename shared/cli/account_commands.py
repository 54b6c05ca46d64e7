"""`longscribe user` and `longscribe key`: accounts and API keys without the pages."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from shared import accounts, audit
from shared.accounts.errors import UnusableQuota
from shared.cli.configuration import configured
from shared.cli.error_exit import errors_in_words
from shared.cli.owner_data_commands import erase_user, export_user
from shared.db import Database
from shared.errors import InvalidRequest
from shared.models import LOCAL_OWNER
from shared.quotas import monthly

user = typer.Typer(no_args_is_help=True, help="The accounts of this server.")
key = typer.Typer(no_args_is_help=True, help="The API keys of an account.")

_PasswordStdin = Annotated[
    bool,
    typer.Option("--password-stdin", help="Read the password from standard input, to stay."),
]


@contextmanager
def _database() -> Iterator[Database]:
    audit.let_act(audit.COMMAND)
    with errors_in_words():
        db = Database(configured().resolved_database_url)
        try:
            yield db
        finally:
            db.dispose()


def _chosen_password(from_stdin: bool) -> str:
    """Ask for a password; as an argument every user of the machine could see it."""
    return sys.stdin.readline().rstrip("\n") if from_stdin else accounts.random_password()


def _tell_password(name: str, password: str, from_stdin: bool) -> None:
    if not from_stdin:
        typer.echo(f"Password of {name}, to be changed with the first sign-in:  {password}")


@user.command("add")
def add_user(
    name: str,
    admin: Annotated[bool, typer.Option("--admin", help="May manage accounts.")] = False,
    password_stdin: _PasswordStdin = False,
) -> None:
    """Add an account. The first is an administrator's and takes over what was recorded before."""
    with _database() as db:
        password = _chosen_password(password_stdin)
        if accounts.is_set_up(db):
            added = accounts.add(
                db, name=name, password=password, is_admin=admin, is_temporary=not password_stdin
            )
        elif not admin:
            raise InvalidRequest("The first account must be an administrator's: add --admin.")
        else:
            added = accounts.add_first_admin(
                db, name=name, password=password, is_temporary=not password_stdin
            )
    typer.echo(f"Added {added.name}{', an administrator' if added.is_admin else ''}.")
    _tell_password(added.name, password, password_stdin)


@user.command("list")
def list_users() -> None:
    """Name, role, state, number of recordings, and the audio of this month."""
    with _database() as db:
        found, used = accounts.people(db), monthly.used_by_owner(db)
    if not found:
        typer.echo("There is no account yet. Add one: longscribe user add NAME --admin")
    for person in found:
        role = "administrator" if person.is_admin else "-"
        state = "disabled" if person.disabled_at else "enabled"
        quota = _hours_text(person.monthly_audio_s)
        month = f"{used.get(person.id, 0.0) / 3600:.1f} hours this month, of {quota}"
        typer.echo(f"{person.name}\t{role}\t{state}\t{person.recordings} recordings\t{month}")


@user.command("disable")
def disable_user(name: str) -> None:
    """Let nobody in with it any more, by password, cookie or key. What it owns stays, but for the
    voices that it kept, which are deleted."""
    with _database() as db:
        accounts.disable(db, accounts.person_named(db, name).id)
    typer.echo(f"{name} is disabled.")


@user.command("enable")
def enable_user(name: str) -> None:
    """Take that back."""
    with _database() as db:
        accounts.enable(db, accounts.person_named(db, name).id)
    typer.echo(f"{name} is enabled.")


@user.command("password")
def set_password(name: str, password_stdin: _PasswordStdin = False) -> None:
    """Give an account another password, and end its sign-ins."""
    with _database() as db:
        password = _chosen_password(password_stdin)
        person = accounts.person_named(db, name)
        accounts.reset_password(db, person.id, password, is_temporary=not password_stdin)
    typer.echo(f"{person.name} has a new password.")
    _tell_password(person.name, password, password_stdin)


@user.command("second-step-off")
def remove_second_step(name: str) -> None:
    """Ask an account for no authenticator's codes any more, for who has lost phone and codes."""
    with _database() as db:
        person = accounts.person_named(db, name)
        had_one = accounts.remove_authenticator(db, person.id)
    what = "signs in with the password alone now" if had_one else "had no authenticator"
    typer.echo(f"{person.name} {what}.")


@user.command("quota")
def set_quota(
    name: str,
    hours: Annotated[
        str,
        typer.Argument(help="A number, 'any', or 'default' for LONGSCRIBE_OWNER_MONTHLY_HOURS."),
    ],
) -> None:
    """Set how many hours of audio an account may submit in a month."""
    with _database() as db:
        person = accounts.person_named(db, name)
        accounts.set_monthly_quota(db, person.id, _quota_s(hours))
    typer.echo(f"{person.name} may submit {_hours_text(_quota_s(hours))} of audio a month.")


def _quota_s(hours: str) -> float | None:
    if hours == "default":
        return None
    try:
        return 0.0 if hours == "any" else float(hours) * 3600
    except ValueError:
        raise UnusableQuota(param="hours") from None


def _hours_text(seconds: float | None) -> str:
    if seconds is None:
        return "the server's default"
    return f"{seconds / 3600:,.10g} hours" if seconds else "any amount"


@user.command("hand-over")
def hand_over(
    giver: Annotated[str, typer.Argument(metavar="FROM", help="An account, or 'local'.")],
    taker: Annotated[str, typer.Argument(metavar="TO", help="An account, or 'local'.")],
) -> None:
    """Give all recordings and jobs of one to another.

    'local' is whom everything belongs to that was recorded without sign-in. Kept voices are not
    handed over: they are biometric data, and deleted.
    """
    with _database() as db:
        owners = [_owner(db, name) for name in (giver, taker)]
        moved = accounts.hand_over(db, from_owner=owners[0], to_owner=owners[1])
    typer.echo(f"{moved} recordings now belong to {taker}. Kept voices are not handed over.")


def _owner(db: Database, name: str) -> str:
    return LOCAL_OWNER if name == LOCAL_OWNER else accounts.person_named(db, name).id


user.command("export")(export_user)
user.command("erase")(erase_user)


@key.command("add")
def add_key(
    user_name: Annotated[str, typer.Argument(metavar="USER")],
    name: Annotated[str, typer.Argument(metavar="PURPOSE", help="What it is for.")],
) -> None:
    """Make a key and print it, and nothing else, on standard output."""
    with _database() as db:
        person = accounts.person_named(db, user_name)
        typer.echo(accounts.make_key(db, user_id=person.id, name=name))


@key.command("list")
def list_keys(user_name: Annotated[str, typer.Argument(metavar="USER")]) -> None:
    """Id, purpose and last use."""
    with _database() as db:
        found = accounts.keys_of(db, accounts.person_named(db, user_name).id)
    for one in found:
        used = f"{one.last_used_at:%Y-%m-%d %H:%M} UTC" if one.last_used_at else "never used"
        typer.echo(f"{one.id}\t{one.name}\t{used}")


@key.command("revoke")
def revoke_key(
    user_name: Annotated[str, typer.Argument(metavar="USER")],
    key_id: Annotated[str, typer.Argument(metavar="ID")],
) -> None:
    """Let nobody in with it any more."""
    with _database() as db:
        person = accounts.person_named(db, user_name)
        accounts.revoke_key(db, user_id=person.id, key_id=key_id)
    typer.echo("The key is revoked.")
