"""The API of minutes by a language model, and of the prompts that it is asked with."""
