"""Recordings that are fetched from an address, in the API."""
