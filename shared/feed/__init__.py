"""The change feed: which of an owner's jobs something happened to, since a place in it.

`changes` reads it off the jobs' events. Nothing is missed by whoever asks on from the place that
was told before; some jobs are told again.
"""
