"""Lists of replacements: what the recogniser writes wrongly, and what is meant.

- `pairs` says what a pair is, and reads a list from a file;
- `matching` finds pairs in a text;
- `lists` keeps the lists, one of each owner, of each group and of everybody, with what they were
  before;
- `job_replacements` gives the list that a job was submitted with;
- `ended_groups` deletes what is left of a deleted group's list for jobs, with the last of them.
"""
