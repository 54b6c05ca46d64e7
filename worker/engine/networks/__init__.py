"""Code shared by families of speech models: their base class over filter banks, the costs of their
passes, tokens with times, and words made of SentencePiece's pieces."""
