"""The model folders on this machine: their names, their files, where they come from.

Nothing here imports torch or FunASR, so that a wrong or broken folder is found within a second and
`longscribe models` starts at once.
"""
