"""The list of jobs, and what is done with several of them at once."""

from web.pages.listing import page, searches, selection

__all__ = ["page", "searches", "selection"]
