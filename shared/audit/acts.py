"""Acts that are recorded, and the kind of thing that each is done to."""

from __future__ import annotations

from enum import StrEnum


class Act(StrEnum):
    """Act that is recorded. The word before the dot names the kind of thing that it was done to."""

    SIGNED_IN = "sign_in.accepted"
    SIGN_IN_REFUSED = "sign_in.refused"
    """A wrong name or password, or a disabled account."""
    CODE_REFUSED = "sign_in.code_refused"
    """The password was right, and the second step's code was not."""
    SIGN_IN_LIMITED = "sign_in.limited"
    """Refusal of further sign-ins after too many wrong ones; recorded once a minute for an
    address."""
    SIGNED_OUT = "sign_in.ended"
    SIGNED_OUT_EVERYWHERE = "sign_in.all_ended"

    ACCOUNT_ADDED = "account.added"
    ACCOUNT_DISABLED = "account.disabled"
    ACCOUNT_ENABLED = "account.enabled"
    MADE_ADMIN = "account.made_admin"
    NO_ADMIN = "account.no_admin"
    QUOTA_SET = "account.quota_set"
    PASSWORD_CHANGED = "account.password_changed"
    PASSWORD_RESET = "account.password_reset"
    PASSWORD_REFUSED = "account.password_refused"
    """Refusal of a wrong present password, given by somebody who is signed in."""
    CONNECTED = "account.connected"
    """Connection with somebody at an OpenID Connect provider, who opens the account from now on."""
    DISCONNECTED = "account.disconnected"
    SECOND_STEP_ADDED = "account.second_step_added"
    """An authenticator's code is asked for from now on."""
    SECOND_STEP_REMOVED = "account.second_step_removed"
    RECOVERY_CODES_MADE = "account.recovery_codes_made"
    HANDED_OVER = "account.handed_over"
    """Transfer of all that one account has to another, which is the object."""

    DATA_EXPORTED = "account.data_exported"
    """Export of all that an account has, as one file."""
    ERASURE_ASKED = "account.erasure_asked"
    ERASED = "account.erased"

    KEY_MADE = "key.made"
    KEY_REVOKED = "key.revoked"

    SHARED = "job.shared"
    SHARE_CHANGED = "job.share_changed"
    SHARE_WITHDRAWN = "job.share_withdrawn"
    LINK_MADE = "job.link_made"
    LINK_WITHDRAWN = "job.link_withdrawn"
    JOB_DELETED = "job.deleted"
    JOB_EXPIRED = "job.expired"
    """Deletion of a job that was kept for as long as LONGSCRIBE_RETENTION_DAYS or a group's rule
    says."""
    TRANSCRIPTS_EXPORTED = "job.exported"
    """Transcripts of several recordings left as one file."""

    GROUP_ADDED = "group.added"
    GROUP_RENAMED = "group.renamed"
    GROUP_DELETED = "group.deleted"
    GROUP_KEPT_DAYS_SET = "group.kept_days_set"
    """Change of the days for which submissions of its members are kept."""
    GROUP_PAIRS_CHANGED = "group.pairs_changed"
    """Change of its list of replacements, with the number of pairs added and removed."""
    GROUP_HOTWORDS_CHANGED = "group.hotwords_changed"
    GROUP_SEARCH_ADDED = "group.search_added"
    GROUP_SEARCH_RENAMED = "group.search_renamed"
    GROUP_SEARCH_REMOVED = "group.search_removed"
    GROUP_TEMPLATE_KEPT = "group.template_kept"
    """A template of reports, a new one or in place of one of its name."""
    GROUP_TEMPLATE_REMOVED = "group.template_removed"
    MEMBER_ADDED = "group.member_added"
    MEMBER_REMOVED = "group.member_removed"

    PAIRS_CHANGED = "words.pairs_changed"
    """Change of everybody's list of replacements, with the number of pairs added and removed."""
    HOTWORDS_CHANGED = "words.hotwords_changed"

    WEBHOOK_ADDED = "webhook.added"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_SECRET_REPLACED = "webhook.secret_replaced"

    MAIL_SET = "notification.mail_set"
    """An account is told at another address, once that is confirmed."""
    MAIL_CONFIRMED = "notification.mail_confirmed"
    MAIL_REMOVED = "notification.mail_removed"
    BROWSER_ADDED = "notification.browser_added"
    BROWSER_REMOVED = "notification.browser_removed"

    AUDIT_EXPORTED = "audit.exported"

    @property
    def object_kind(self) -> str:
        """The kind of thing that `object_id` names."""
        return kind_of(self.value)


def kind_of(act: str) -> str:
    """The kind of thing that an act is done to, also one of a later version.

    >>> kind_of("job.deleted")
    'job'
    """
    return act.partition(".")[0]


KINDS = tuple(dict.fromkeys(act.object_kind for act in Act))
"""Kinds of objects, each once, in the order above."""


class Means(StrEnum):
    """Means by which the actor of an entry proved their identity."""

    SESSION = "session"
    """A browser in which somebody is signed in."""
    API_KEY = "api_key"
    NOBODY = "nobody"
    """A request that nobody signed in for."""
    COMMAND = "command"
    """`longscribe` on the machine itself."""
    SERVER = "server"
    """Longscribe itself, as where something was kept long enough."""
