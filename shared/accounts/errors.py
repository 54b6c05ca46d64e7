"""Errors of accounts, sign-ins and API keys, each with its HTTP status."""

from __future__ import annotations

from shared.audit.group_acts import GroupNotFound as GroupNotFound
from shared.errors import InvalidRequest, PermanentError, TransientError


class Unauthorized(PermanentError):
    code = "unauthorized"
    http_status = 401
    default_message = (
        "Sign in first. A program sends an API key, made on the account page: "
        "'Authorization: Bearer lsk_…'."
    )


class WrongPassword(PermanentError):
    """An unknown name, a wrong password or a disabled account: the answer does not tell which."""

    code = "wrong_password"
    http_status = 401
    default_message = "The name or the password is not right."


class WrongCode(PermanentError):
    """The code is none of the authenticator's, was used before, and is no recovery code."""

    code = "wrong_code"
    http_status = 401
    default_message = (
        "This code is not right, or was used already. Wait for the next one; if none is right, "
        "look whether the phone's clock is."
    )


class AuthenticatorThere(PermanentError):
    code = "authenticator_there"
    http_status = 409
    default_message = "Your account has an authenticator already. Remove that one first."


class Forbidden(PermanentError):
    code = "forbidden"
    http_status = 403
    default_message = "Only an administrator may do this."


class PriorityNotAllowed(PermanentError):
    code = "priority_not_allowed"
    http_status = 403
    default_message = (
        "Only an administrator's jobs may go before those of others. Send a priority from -10 to "
        "0; without one it is 0."
    )


class PasswordIsTemporary(PermanentError):
    code = "password_is_temporary"
    http_status = 403
    default_message = "Choose a password of your own first, on the account page."


class TooManyAttempts(TransientError):
    code = "too_many_attempts"
    http_status = 429
    default_message = "Too many wrong passwords. Wait some minutes, then try again."

    def __init__(self, message: str | None = None, *, retry_after_s: float = 60.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class AccountNotFound(PermanentError):
    code = "account_not_found"
    http_status = 404
    default_message = "There is no such account."


class GroupNameTaken(PermanentError):
    code = "group_name_taken"
    http_status = 409
    default_message = "There is a group of this name already. Choose another name."


class TooManyMembers(PermanentError):
    code = "too_many_members"
    http_status = 409
    default_message = "There are at most 1000 groups, and 5000 accounts in one."


class ErasureBegun(PermanentError):
    code = "erasure_begun"
    http_status = 409
    default_message = "All that this account has is being erased, which cannot be taken back."


class ErasureNeedsAccount(PermanentError):
    code = "erasure_needs_account"
    http_status = 409
    default_message = (
        "Nobody signs in to this server, so there is no account to erase. Delete the recordings."
    )


class WrongName(InvalidRequest):
    code = "wrong_name"
    default_message = "Type the account's name as it stands here, so that no other one is erased."


class NameTaken(PermanentError):
    code = "name_taken"
    http_status = 409
    default_message = "There is an account of this name already. Choose another name."


class LastAdministrator(PermanentError):
    code = "last_administrator"
    http_status = 409
    default_message = (
        "This is the only administrator, and without one nobody could manage accounts. Make "
        "another account an administrator's first."
    )


class UnusableName(InvalidRequest):
    code = "unusable_name"
    default_message = "Choose a name of 1 to 64 letters, all of which can be seen."


class UnusablePassword(InvalidRequest):
    code = "unusable_password"
    default_message = (
        "Choose a password of 10 characters or more (256 at most) that is not the name and not one "
        "character again and again. A few words are easy to remember."
    )


class SamePassword(InvalidRequest):
    code = "same_password"
    default_message = "Choose another password than the present one."


class WrongSetUpCode(InvalidRequest):
    code = "wrong_set_up_code"
    default_message = (
        "That is not the code. It stands in the web server's log, and in the terminal of "
        "'longscribe serve'."
    )


class UnusableKeyName(InvalidRequest):
    code = "unusable_key_name"
    default_message = "Say in a few words, of at most 100 characters, what the key is for."


class TooManyKeys(InvalidRequest):
    code = "too_many_keys"
    default_message = "There are 50 keys already. Revoke some first."


class KeyNotFound(PermanentError):
    code = "key_not_found"
    http_status = 404
    default_message = "There is no such key. It may have been revoked."


class AccountDisabled(PermanentError):
    """Sign-in to a disabled account. Shown only to people who have proved at a provider who they
    are."""

    code = "account_disabled"
    http_status = 403
    default_message = "Your account here is disabled. Ask whoever runs this server."


class NoAccountYet(PermanentError):
    """A provider vouches for somebody whom no account belongs to, and may make none."""

    code = "no_account_yet"
    http_status = 403
    default_message = (
        "The sign-in service knows you, but you have no account here yet. Ask whoever runs this "
        "server. If you have one with a password, sign in with that and connect both on its page."
    )


class IdentityTaken(PermanentError):
    code = "identity_taken"
    http_status = 409
    default_message = (
        "That sign-in opens another account already. Disconnect it there first, on its page."
    )


class IdentityNotFound(PermanentError):
    code = "identity_not_found"
    http_status = 404
    default_message = "There is no such connection. It may have been taken away."


class LastWayIn(PermanentError):
    code = "last_way_in"
    http_status = 409
    default_message = (
        "This account has no password, so nobody could sign in with it any more. Ask an "
        "administrator for a password first."
    )


class SetUpDone(PermanentError):
    code = "set_up_done"
    http_status = 409
    default_message = "There is an account already, so this server is set up. Sign in with it."


class UnusableKeptDays(InvalidRequest):
    code = "unusable_kept_days"
    default_message = "Give a whole number of days, from 1 to 36,500, or none."


class UnusableQuota(InvalidRequest):
    code = "unusable_quota"
    default_message = "A quota is a number of hours of audio a month, from 0 to 1,000,000."
