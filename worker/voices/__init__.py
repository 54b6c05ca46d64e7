"""Likeness of the voices in a recording, before the number of speakers is known."""
