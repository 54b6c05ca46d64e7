"""Requests to addresses that somebody else chose: who receives a webhook, where a recording lies.

`addresses` says which may be asked, and `exchange` asks one and connects to nothing but what was
found permitted.  What the operator allows stands in `shared.settings.outbound`.
"""
