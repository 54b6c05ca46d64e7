"""Checks of `longscribe doctor` on who may use an installation."""

from __future__ import annotations

from shared import accounts
from shared.cli.doctor.finding import Finding, ok, warning
from shared.db import Database
from shared.settings import Settings


def check_accounts(db: Database, settings: Settings) -> list[Finding]:
    """Find that nobody could sign in, or that nobody sees the recordings of an account."""
    people = accounts.people(db)
    if settings.requires_sign_in:
        if not people:
            return [
                warning(
                    "accounts",
                    "nobody has an account yet, so nobody can sign in",
                    "Make the first: longscribe user add NAME --admin",
                )
            ]
        disabled = sum(person.disabled_at is not None for person in people)
        told = f", {disabled} of them disabled" if disabled else ""
        return [ok("accounts", f"{len(people)}{told}; sign-in is required")]
    owning = [person for person in people if person.recordings]
    if owning:
        return [
            warning(
                "accounts",
                f"sign-in is off, so what {len(owning)} accounts own is not shown",
                "Set LONGSCRIBE_SIGN_IN=required again, or give it to who needs no account: "
                "longscribe user hand-over NAME local",
            )
        ]
    return [ok("accounts", "sign-in is off; everything has one owner")]
