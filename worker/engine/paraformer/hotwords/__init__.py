"""SeACo's hotwords: words that a request names are preferred where they sound like what is said.

A word is its tokens (`tokens`); a list of words is encoded once a request (`bias_encoder`); a
decoder that attends to the list, laid out for that (`keys_and_values`), says for each token which
of the list's it is, or that it is none (`bias_decoder`), with the 50 words of a long list that a
span attends to most (`choice`), of which those chosen lately are kept (`chosen_words`).
`packed_tokens` tells where the tokens stand, and `apply_hotwords` puts all together.
"""
