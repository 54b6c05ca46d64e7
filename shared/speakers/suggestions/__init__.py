"""The speakers of a recording beside the kept voices of its owner.

`suggest` says who may be whom, `job_suggestions` reads and writes that for a job.
"""
