"""Whose turn it is: `next_job` chooses the job that is claimed next."""
