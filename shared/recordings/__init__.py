"""What a recording's file says of itself, before anybody has decoded it."""
