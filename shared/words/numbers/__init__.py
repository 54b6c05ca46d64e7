"""Writing spoken numbers in digits (inverse text normalisation) of Mandarin text.

- `finding` says which words of a text are a number that is written in digits, and which are not;
- `writing` writes them, with wetext's grammar for each of them alone;
- `transcripts` writes those of a transcript, and `choice` says who asks for it.
"""
