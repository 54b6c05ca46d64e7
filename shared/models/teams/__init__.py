"""What a server has for many people: their groups, and the record of who did what."""
