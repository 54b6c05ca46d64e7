"""Errors of sharing, each with its HTTP status."""

from __future__ import annotations

from shared.errors import PermanentError


class SharedForReading(PermanentError):
    code = "shared_for_reading"
    http_status = 403
    default_message = (
        "This recording is shared with you for reading. Ask its owner to let you correct it."
    )


class OnlyItsOwner(PermanentError):
    code = "only_its_owner"
    http_status = 403
    default_message = "Only the owner of this recording may do this."


class SharingNeedsAccounts(PermanentError):
    code = "sharing_needs_accounts"
    http_status = 409
    default_message = (
        "Nobody signs in to this server, so there is nobody to share with. The operator can set "
        "LONGSCRIBE_SIGN_IN=required."
    )


class ShareNotFound(PermanentError):
    code = "share_not_found"
    http_status = 404
    default_message = "There is no such share of this recording. It may have been withdrawn."


class NobodyOfThatName(PermanentError):
    code = "nobody_of_that_name"
    http_status = 404
    default_message = "No account has exactly this name. Ask your colleague for theirs."


class LinksOff(PermanentError):
    code = "links_off"
    http_status = 409
    default_message = (
        "Links that need no sign-in are off on this server. The operator can set "
        "LONGSCRIBE_SHARE_LINKS=true."
    )


class LinkNotFound(PermanentError):
    code = "link_not_found"
    http_status = 404
    default_message = "There is no such link. It may have been withdrawn, or its time is over."
