"""Sharing of jobs with people beside their owner: colleagues with an account, and holders of a
link.

`access` tells how a person may use a job, `colleagues` has whom it is shared with, `groups` with
which groups, `received` what is shared with a person, `links` the links that open a transcript
without sign-in, and `history` every change of these.
"""

from shared.sharing.access import AccessLevel, JobAccess, job_access
from shared.sharing.colleagues import ShareRecord, share_job, shares_of, withdraw_share
from shared.sharing.editors import editor_names
from shared.sharing.groups import share_job_with_group
from shared.sharing.history import SharingChange, SharingRecord, sharing_history
from shared.sharing.links import (
    LONGEST_LINK_DAYS,
    LONGEST_LINK_NAME,
    LinkRecord,
    OpenedLink,
    links_of,
    make_link,
    open_link,
    withdraw_link,
)
from shared.sharing.received import ReceivedJob, received_jobs

__all__ = [
    "LONGEST_LINK_DAYS",
    "LONGEST_LINK_NAME",
    "AccessLevel",
    "JobAccess",
    "LinkRecord",
    "OpenedLink",
    "ReceivedJob",
    "ShareRecord",
    "SharingChange",
    "SharingRecord",
    "editor_names",
    "job_access",
    "links_of",
    "make_link",
    "open_link",
    "received_jobs",
    "share_job",
    "share_job_with_group",
    "shares_of",
    "sharing_history",
    "withdraw_link",
    "withdraw_share",
]
