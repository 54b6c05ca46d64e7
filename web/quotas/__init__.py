"""Use and limits of a person's share of the server, for programs and as a part of pages.

`usage` asks, `texts` words it, `views` answers.
"""
