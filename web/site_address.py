"""Addresses of this site as a browser sees them, below the path that a proxy may serve it at."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import request


def cookie_path() -> str:
    """The path of this site's cookies, so that what else is served by the host gets none."""
    return request.script_root or "/"


def page_address() -> str:
    """The absolute path of this request, with its query."""
    asked = request.full_path if request.query_string else request.path
    return request.script_root + asked


def same_site_path(path: str | None) -> str:
    """`path` if it is the absolute path of a page of this site, else that of the front page.

    Prevents redirects to other sites by a parameter of a link.
    """
    front_page = f"{request.script_root}/"
    if not path or not path.startswith(front_page) or not path.isprintable():
        return front_page
    if path[1:2] in ("/", "\\"):  # the beginning of another host's name
        return front_page
    try:
        parts = urlsplit(path)
    except ValueError:  # brackets that are no address of IPv6
        return front_page
    return front_page if parts.netloc or parts.scheme else path
