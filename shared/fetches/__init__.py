"""Recordings that this server fetches from addresses that their owners name.

A fetch is no job yet: it becomes one, with its own id, once its bytes are here and safe.
`requests` is what an owner asks, `fetch_queue` what a worker stores of it under a lease.
"""
