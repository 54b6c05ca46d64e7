"""Addresses in the shape of other services, so that their clients work with another address.

Each submits to the same queue as `/api/v1/jobs`, for the same owner and under the same limits.
"""
