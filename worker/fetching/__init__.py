"""Fetching recordings from addresses that their owners name, beside a worker's jobs.

`download` fetches one into an upload, `fetcher` keeps a few of them going and makes jobs of them.
"""
