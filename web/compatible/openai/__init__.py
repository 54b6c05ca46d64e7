"""/v1, in OpenAI's shape: what its clients need to have recordings transcribed here."""

from web.compatible.openai.views import blueprint

__all__ = ["blueprint"]
