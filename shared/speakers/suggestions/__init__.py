"""The speakers of a recording beside the kept voices of its owner.

`suggest` says who may be whom, `of_job` reads and writes that for a job.
"""
