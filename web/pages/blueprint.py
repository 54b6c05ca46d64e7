"""What the pages are registered at."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint("pages", __name__)
