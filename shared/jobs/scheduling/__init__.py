"""Order of the claims and of the sweeps: `next_job` chooses the job that is claimed next, `line`
tells where the waiting ones stand, `sweep_turns` which worker sweeps for all.
"""
