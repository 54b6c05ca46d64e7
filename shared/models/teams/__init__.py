"""Tables for servers with many people: groups and the audit log."""
