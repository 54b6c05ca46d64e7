"""Webhooks in the API (`api`) and on the pages (`pages`)."""
