"""Annotations by people on a recording, beside its words: `details` (title, date, people and tags),
`labels`, by which lists are narrowed down, and `marks` at places in it. `edits` keeps each change,
so that it can be undone."""
