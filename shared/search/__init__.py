"""Finding jobs by their names and by what was said, in Chinese as in English, with an index.

Text is compared as it is, folded: a job is found if each of the words is a piece of its name or of
its transcript.  There are no wildcards, and so nothing to escape.  The index only narrows down
which jobs are compared:

- `grams` says what of a text is indexed, and which grams a text with a word must have;
- `index` keeps the grams, in FTS5 on SQLite and in a GIN index on PostgreSQL;
- `entries` fills it behind the writers, and knows which jobs it does not have yet;
- `hits` asks it, compares what it names and everything that it does not have yet;
- `matching` reads the words of a query, and compares folded text with them in SQL;
- `saved` keeps searches under names;
- `texts` stores what is compared, and `snippets` shows where the words are.
"""
