"""Handing what an account owns over to another: recordings and jobs, lists of words, templates."""
