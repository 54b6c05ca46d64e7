"""Texts of the audit log in the reader's language."""

from __future__ import annotations

from flask_babel import gettext as _

from shared.audit import Act, Means
from web.i18n.languages import N_

ACTS = {
    Act.SIGNED_IN: N_("Signed in"),
    Act.SIGN_IN_REFUSED: N_("Sign-in refused"),
    Act.CODE_REFUSED: N_("Second step refused"),
    Act.SIGN_IN_LIMITED: N_("Sign-in refused: too many wrong ones"),
    Act.SIGNED_OUT: N_("Signed out"),
    Act.SIGNED_OUT_EVERYWHERE: N_("Signed out everywhere"),
    Act.ACCOUNT_ADDED: N_("Account added"),
    Act.ACCOUNT_DISABLED: N_("Account disabled"),
    Act.ACCOUNT_ENABLED: N_("Account enabled"),
    Act.MADE_ADMIN: N_("Made an administrator"),
    Act.NO_ADMIN: N_("No administrator any more"),
    Act.QUOTA_SET: N_("Quota set"),
    Act.PASSWORD_CHANGED: N_("Password changed"),
    Act.PASSWORD_RESET: N_("Given a new password"),
    Act.PASSWORD_REFUSED: N_("Wrong present password"),
    Act.CONNECTED: N_("Connected with a provider"),
    Act.DISCONNECTED: N_("Disconnected from a provider"),
    Act.SECOND_STEP_ADDED: N_("Second step added"),
    Act.SECOND_STEP_REMOVED: N_("Second step removed"),
    Act.RECOVERY_CODES_MADE: N_("Recovery codes made"),
    Act.HANDED_OVER: N_("All recordings handed over"),
    Act.DATA_EXPORTED: N_("All data of an account exported"),
    Act.ERASURE_ASKED: N_("Erasure of an account asked for"),
    Act.ERASED: N_("Account erased"),
    Act.KEY_MADE: N_("API key made"),
    Act.KEY_REVOKED: N_("API key revoked"),
    Act.SHARED: N_("Recording shared"),
    Act.SHARE_CHANGED: N_("Sharing changed"),
    Act.SHARE_WITHDRAWN: N_("Sharing withdrawn"),
    Act.LINK_MADE: N_("Link made"),
    Act.LINK_WITHDRAWN: N_("Link withdrawn"),
    Act.JOB_DELETED: N_("Recording deleted"),
    Act.JOB_EXPIRED: N_("Recording deleted after its time"),
    Act.TRANSCRIPTS_EXPORTED: N_("Several transcripts exported"),
    Act.GROUP_ADDED: N_("Group added"),
    Act.GROUP_RENAMED: N_("Group renamed"),
    Act.GROUP_DELETED: N_("Group deleted"),
    Act.GROUP_KEPT_DAYS_SET: N_("Time set for which a group's recordings are kept"),
    Act.GROUP_PAIRS_CHANGED: N_("Replacements of a group changed"),
    Act.GROUP_HOTWORDS_CHANGED: N_("Hotwords of a group changed"),
    Act.GROUP_SEARCH_ADDED: N_("Saved search given to a group"),
    Act.GROUP_SEARCH_RENAMED: N_("Saved search of a group renamed"),
    Act.GROUP_SEARCH_REMOVED: N_("Saved search of a group deleted"),
    Act.GROUP_TEMPLATE_KEPT: N_("Template kept for a group"),
    Act.GROUP_TEMPLATE_REMOVED: N_("Template of a group deleted"),
    Act.MEMBER_ADDED: N_("Put into a group"),
    Act.MEMBER_REMOVED: N_("Taken out of a group"),
    Act.PAIRS_CHANGED: N_("Everybody's replacements changed"),
    Act.HOTWORDS_CHANGED: N_("Everybody's hotwords changed"),
    Act.WEBHOOK_ADDED: N_("Webhook added"),
    Act.WEBHOOK_CHANGED: N_("Webhook changed"),
    Act.WEBHOOK_DELETED: N_("Webhook deleted"),
    Act.WEBHOOK_SECRET_REPLACED: N_("Webhook's secret replaced"),
    Act.MAIL_SET: N_("Mail address given"),
    Act.MAIL_CONFIRMED: N_("Mail address confirmed"),
    Act.MAIL_REMOVED: N_("Mail address removed"),
    Act.BROWSER_ADDED: N_("Browser added for notifications"),
    Act.BROWSER_REMOVED: N_("Browser removed from notifications"),
    Act.AUDIT_EXPORTED: N_("Audit log exported"),
}

MEANS = {
    Means.SESSION: N_("in a browser"),
    Means.API_KEY: N_("by API key"),
    Means.NOBODY: N_("not signed in"),
    Means.COMMAND: N_("by command on the server"),
    Means.SERVER: N_("the server itself"),
}

KINDS = {
    "sign_in": N_("Sign-ins"),
    "account": N_("Accounts"),
    "key": N_("API keys"),
    "job": N_("Recordings"),
    "group": N_("Groups"),
    "words": N_("Everybody's lists of words"),
    "webhook": N_("Webhooks"),
    "notification": N_("Notifications"),
    "audit": N_("Audit log"),
}


def act_text(act: str) -> str:
    """The words of an act; of one of a later version its own."""
    return _(ACTS[Act(act)]) if act in set(Act) else act


def means_text(means: str) -> str:
    """Name of the means by which the actor proved their identity, in the reader's language."""
    return _(MEANS[Means(means)]) if means in set(Means) else means
