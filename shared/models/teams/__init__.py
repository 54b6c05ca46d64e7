"""What a server has for many people: the record of who did what."""
