"""Polls that bring nothing new are answered without making the whole answer again.

A client that polls sends the ETag of its last answer. The view that makes an answer notes what it
was made of (`proof`); the middleware (`unchanged`) remembers that with the answer (`memory`), and
answers the next such request 304 if all of it is still so. Of whatever it is not sure it says
nothing: the request goes the whole way.
"""
