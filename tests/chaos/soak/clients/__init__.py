"""Those who use the installation while it breaks: each a thread with a seed of its own.

Whatever goes wrong between a client and the server is part of the soak: it asks again.  What the
server said with a 2xx is held against it.
"""
