"""Words that people teach an installation: what is written for what the recogniser hears.

- `replacements` has the lists of what it writes wrongly, and what is meant;
- `hotwords` has the words that a model is to listen for;
- `rules` applies the rules of a job to its transcript.
"""
