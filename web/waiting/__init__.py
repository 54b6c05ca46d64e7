"""Answers that wait for a job: they hold a connection meanwhile, and no thread.

What a view wants to wait for it tells here (`wait_for_changes`); an answer whose status depends on
it is postponed (`postponed`).  Between the application and the server stands WSGI as it is, with
one agreement more: an iterable that yields `b""` has nothing for now, and `WAIT` in its environment
says when to go on.  A server that keeps to it sets `PARKS`; under any other the thread waits.
"""

PARKS = "longscribe.parks"
"""Set in the environment of a request by a server that leaves alone what has nothing to send."""

WAIT = "longscribe.wait"
"""Key in the request's WSGI environment of the `Wait` after which an answer that has nothing to
send for now goes on."""

POSTPONED = "longscribe.postponed"
"""Key in the request's WSGI environment under which a view puts what its answer waits for, and
finds it when it is called again."""

BEGAN = "longscribe.began"
"""Time at which the request began, on the monotonic clock: the time of an answer is counted from
there."""
