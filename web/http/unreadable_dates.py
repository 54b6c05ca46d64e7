"""Dates in headers that no clock shows: `Mon, 01 Jan 99999999999999999999 00:00:00 GMT`.

Werkzeug leaves out a date that it cannot read, but not one whose numbers are too large.
"""

from __future__ import annotations

from flask import Flask, request
from werkzeug.http import parse_date


def ignore_unreadable_dates(app: Flask) -> None:
    """Have such a condition count as none, and send all where it was one of `Range`."""
    app.before_request(_leave_out)


def _leave_out() -> None:
    for header, depends_on_it in (("IF_MODIFIED_SINCE", ""), ("IF_RANGE", "RANGE")):
        try:
            parse_date(request.environ.get(f"HTTP_{header}"))
        except OverflowError:
            for name in filter(None, (header, depends_on_it)):
                request.environ.pop(f"HTTP_{name}", None)
