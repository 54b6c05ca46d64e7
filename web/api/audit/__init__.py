"""The part of the API that tells administrators who did what."""
