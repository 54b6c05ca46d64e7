"""Rules for what is written of what the recogniser hears, which work with every model.

- `replacements` has the lists of what it writes wrongly, and what is meant;
- `hotwords` has the words that a model is to listen for;
- `groups` says whose lists beside one's own and everybody's count;
- `numbers` writes spoken numbers in digits;
- `rules` applies the rules of a job to its transcript.
"""
