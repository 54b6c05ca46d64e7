"""Whose turn it is: `next_job` chooses the job that is claimed next, `line` tells where the waiting
ones stand, `sweep` which worker sweeps for all.
"""
