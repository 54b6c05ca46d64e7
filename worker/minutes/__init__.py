"""The process that writes minutes: it asks a language model over HTTP, and needs no torch.

`connection` makes one HTTP request; `model_server` speaks the chat API of OpenAI and those who
copied it; `writer` cuts, asks, merges and checks; `process` claims one request after another.
"""
