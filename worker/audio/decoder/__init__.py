"""The guarded decoder; `worker.audio.decode` is the way in.

`process` and `limits` belong to the worker.  The rest runs in the child and imports neither
numpy nor torch nor `shared`: it handles files that strangers sent, so it holds as little as it
can, and starts in a tenth of a second.
"""
