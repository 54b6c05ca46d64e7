"""Order of the claims and of the sweeps.

`next_job` chooses the job that is claimed next, `approximate_places` has the places of the waiting
ones, `sweep_turns` the worker that sweeps for all.
"""
