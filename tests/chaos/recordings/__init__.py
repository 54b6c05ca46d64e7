"""Recordings of every kind and in every condition, and recordings damaged at random."""
