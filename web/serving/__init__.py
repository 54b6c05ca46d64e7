"""gunicorn's worker for clients that are slow: a thread is given to whole requests only."""
