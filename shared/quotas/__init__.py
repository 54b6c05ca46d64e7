"""Limits on what one person may hold at a time and use in a month, so that no one keeps others out.

`limits` says how much, `errors` what is refused.  What is held is counted where it lies: room on
the disk in `shared.storage.space_reservations`.
"""
