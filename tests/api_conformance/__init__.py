"""The OpenAPI document against the server that serves it, by Schemathesis, outside of pytest."""
