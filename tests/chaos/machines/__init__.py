"""Workers on machines of their own, as far as the network goes, and links between them that are
cut."""
