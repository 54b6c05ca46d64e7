"""/v2, in AssemblyAI's shape: upload, ask for a transcript, ask how it stands."""

from web.compatible.assemblyai.views import blueprint

__all__ = ["blueprint"]
