"""Answers to polls that bring nothing new, given without making the whole answer again.

A client that polls sends the ETag of its last answer. The view that makes an answer notes what it
was made of (`cache_dependencies`); the middleware (`not_modified`) keeps that with the answer
(`answer_cache`), and answers the next such request 304 if all of it is still so. Where it is not
sure, the request is answered in full. `intervals` says how often clients poll.
"""
