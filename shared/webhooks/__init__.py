"""Webhooks: requests sent to addresses of owners when something happens to their jobs.

The form is that of Standard Webhooks (`signing`).  `outbox` writes what is to be sent into the
transaction of the event; `delivery_queue` hands deliveries out under a lease and stores what came
of them; `hooks` is the owner's list of addresses and `log` what was sent to one.
"""
