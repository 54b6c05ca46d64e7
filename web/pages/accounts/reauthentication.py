"""Proof that whoever sits at a signed-in browser is its person: what opens an account for longer
than the sign-in asks for it."""

from __future__ import annotations

from flask import request

from shared import accounts
from web.authentication.client_address import address, attempt_limit
from web.pages.accounts.account import me
from web.services import services


def require_password() -> None:
    """Check the password in this request's form. Raises WrongPassword or TooManyAttempts."""
    accounts.require_password(
        services().db,
        attempt_limit(),
        user_id=me().id,
        password=request.form.get("password", ""),
        address=address(),
    )


def given_code() -> dict[str, str]:
    return {"code": request.form.get("code", ""), "address": address()}


def require_password_and_code() -> None:
    """Check the password in this request's form, and a code where an authenticator app was added.
    Raises WrongPassword, WrongCode or TooManyAttempts."""
    require_password()
    here, user_id = services(), me().id
    if accounts.has_authenticator(here.db, user_id):
        accounts.prove(here.db, attempt_limit(), user_id=user_id, **given_code())
