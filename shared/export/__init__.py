"""Transcripts as files: text, subtitles, documents and reports."""
