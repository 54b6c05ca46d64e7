"""Recordings of every kind, written by the ffmpeg program, and where their sound is."""
