"""What families of speech models share: their common ground over filter banks, the costs of their
passes, tokens with times, and words made of SentencePiece's pieces."""
