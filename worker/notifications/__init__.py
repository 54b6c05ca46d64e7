"""Telling people by mail that a job has ended, in the threads of `worker.webhooks.sender`."""
