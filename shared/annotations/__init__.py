"""What people say about a recording beside its words: `details` (title, date, people and tags) and
`labels`, by which lists are narrowed down.  `edits` keeps each change, so that it can be undone."""
