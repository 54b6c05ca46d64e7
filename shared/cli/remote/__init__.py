"""Commands for a server elsewhere: submit, get, list, cancel, watch. They need its address, a key
where it has accounts, and nothing else of Longscribe on this machine."""
