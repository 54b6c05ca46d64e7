"""Accounts, sign-ins and API keys. Only what stands here reads or writes their tables.

`users` has the accounts, `passwords` the rules and hashes of passwords, `wrong_passwords` the
limits on wrong ones, `authenticators` the second step of a sign-in, `identities` who signs in at a
provider, `groups` who is in which group, `sessions` the sign-ins of browsers, `keys` the API keys,
`credentials` what both have in common, `set_up` the code for the first account, and `ownership`
moves recordings and jobs from one account to another.
"""

from shared.accounts.authenticators import (
    begin_enrolment,
    confirm,
    has_authenticator,
    prove,
    recovery_codes_left,
    remove_authenticator,
    replace_recovery_codes,
    secret_to_confirm,
    with_authenticators,
)
from shared.accounts.credentials import (
    Credential,
    CredentialKind,
    key_credential,
    session_credential,
)
from shared.accounts.groups.membership import (
    MOST_KEPT_DAYS,
    GroupRecord,
    add_group,
    add_member,
    delete_group,
    group_of,
    groups,
    groups_of,
    memberships,
    remove_member,
    rename_group,
    set_kept_days,
)
from shared.accounts.groups.provider_groups import GroupsThere
from shared.accounts.handing_over.ownership import hand_over
from shared.accounts.identities import (
    Entered,
    Vouched,
    connect,
    connections_of,
    disconnect,
    enter,
)
from shared.accounts.keys import (
    KEY_PREFIX,
    find_by_key,
    forget_revoked,
    keys_of,
    make_key,
    revoke_key,
)
from shared.accounts.password_change import change_password, require_password, reset_password
from shared.accounts.passwords import SHORTEST_PASSWORD, random_password
from shared.accounts.sessions import (
    SecondStepNeeded,
    begin,
    end,
    end_all,
    find,
    finish_sign_in,
    forget_over,
    sign_in,
)
from shared.accounts.sign_in_expiry import SessionLimits, session_limits
from shared.accounts.users import (
    LONGEST_NAME,
    Person,
    add,
    add_first_admin,
    disable,
    enable,
    is_disabled,
    is_set_up,
    people,
    person_named,
    set_admin,
    set_monthly_quota,
)
from shared.accounts.wrong_passwords import (
    AttemptLimit,
    attempt,
    begin_attempt,
    require_attempts_left,
)
from shared.models import LOCAL_OWNER

__all__ = [
    "KEY_PREFIX",
    "LOCAL_OWNER",
    "LONGEST_NAME",
    "MOST_KEPT_DAYS",
    "SHORTEST_PASSWORD",
    "AttemptLimit",
    "Credential",
    "CredentialKind",
    "Entered",
    "GroupRecord",
    "GroupsThere",
    "Person",
    "SecondStepNeeded",
    "SessionLimits",
    "Vouched",
    "add",
    "add_first_admin",
    "add_group",
    "add_member",
    "attempt",
    "begin",
    "begin_attempt",
    "begin_enrolment",
    "change_password",
    "confirm",
    "connect",
    "connections_of",
    "delete_group",
    "disable",
    "disconnect",
    "enable",
    "end",
    "end_all",
    "enter",
    "find",
    "find_by_key",
    "finish_sign_in",
    "forget_over",
    "forget_revoked",
    "group_of",
    "groups",
    "groups_of",
    "hand_over",
    "has_authenticator",
    "is_disabled",
    "is_set_up",
    "key_credential",
    "keys_of",
    "make_key",
    "memberships",
    "people",
    "person_named",
    "prove",
    "random_password",
    "recovery_codes_left",
    "remove_authenticator",
    "remove_member",
    "rename_group",
    "replace_recovery_codes",
    "require_attempts_left",
    "require_password",
    "reset_password",
    "revoke_key",
    "secret_to_confirm",
    "session_credential",
    "session_limits",
    "set_admin",
    "set_kept_days",
    "set_monthly_quota",
    "sign_in",
    "with_authenticators",
]
