"""A client of Longscribe's API with types.

    from longscribe_client import Client

    with Client("http://127.0.0.1:8000") as client:
        print(client.transcript(client.wait(client.submit("meeting.m4a")).id))

It needs httpx2 and nothing else of Longscribe.  Webhooks are verified by the package
`standardwebhooks`.
"""

from longscribe_client.asynchronous import AsyncClient
from longscribe_client.client import Client
from longscribe_client.errors import (
    ApiError,
    AuthenticationFailed,
    ClientError,
    Conflict,
    FileChanged,
    InvalidRequest,
    JobFailed,
    NotAllowed,
    NotFinished,
    NotFound,
    ServerBusy,
    ServerUnreachable,
    TooLarge,
    TooManyRequests,
    UnexpectedAnswer,
    UnsupportedMedia,
)
from longscribe_client.models import (
    TERMINAL,
    Change,
    Fetch,
    Found,
    Job,
    JobLinks,
    JobPage,
    Match,
    ModelOfJob,
    Problem,
    ReportTemplate,
    ReportTemplateList,
    Sentence,
    SentencePage,
)
from longscribe_client.options import SubmitOptions

__all__ = [
    "TERMINAL",
    "ApiError",
    "AsyncClient",
    "AuthenticationFailed",
    "Change",
    "Client",
    "ClientError",
    "Conflict",
    "Fetch",
    "FileChanged",
    "Found",
    "InvalidRequest",
    "Job",
    "JobFailed",
    "JobLinks",
    "JobPage",
    "Match",
    "ModelOfJob",
    "NotAllowed",
    "NotFinished",
    "NotFound",
    "Problem",
    "ReportTemplate",
    "ReportTemplateList",
    "Sentence",
    "SentencePage",
    "ServerBusy",
    "ServerUnreachable",
    "SubmitOptions",
    "TooLarge",
    "TooManyRequests",
    "UnexpectedAnswer",
    "UnsupportedMedia",
]
