"""Sending what owners have told to addresses of their own, beside a worker's jobs.

`delivery` makes one request, `sender` keeps a few of them going.
"""
