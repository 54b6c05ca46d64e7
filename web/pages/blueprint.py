"""The blueprint of the pages."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("pages", __name__)
