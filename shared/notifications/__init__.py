"""Notifications of the end of a job beside webhooks: by mail and by pushes to browsers.

`mail` keeps the address of an account and what is told to it, `push` its browsers, and `vapid` the
key by which push services know this installation.  What is to be sent goes through the
outbox of `shared.webhooks`.
"""
