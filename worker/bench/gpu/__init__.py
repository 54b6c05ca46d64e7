"""`make bench-gpu`: everything that one wants to know of a GPU, from one command.

Each step runs in a process of its own, so that one which fails, or runs out of memory on purpose,
takes nothing with it; the results are one JSON file and one table.
"""
