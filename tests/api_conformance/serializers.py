"""What Schemathesis is told beside the OpenAPI document. It runs in an environment of its own."""

import schemathesis

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")
