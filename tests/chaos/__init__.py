"""Every promise that the README makes, kept while real processes are killed, frozen and cut off."""
