"""Where people are told that a job has ended, beside webhooks: by mail.

`mail` keeps the address of an account and what is told to it.  What is to be sent goes through the
outbox of `shared.webhooks`.
"""
