"""What a person holds of the server and may hold, for programs and as a part of pages.

`standing` asks, `texts` words it, `views` answers.
"""
