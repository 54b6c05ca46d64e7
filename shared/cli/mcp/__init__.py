"""`longscribe mcp`: a server's recordings as tools of the Model Context Protocol, for language
models. Each answer is bounded, so that ten hours fit into a model's window in parts."""
