"""The key by which push services know this installation (RFC 8292), made once and kept in the
database, so that all workers have the same."""

from __future__ import annotations

import base64
import hashlib
import json

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from shared.db import Database
from shared.models import VapidKey
from shared.outbound.addresses import Target

_VALID_S = 12 * 3600
"""Seconds for which a token is valid; push services take no more than a day."""

_NUMBER_BYTES = 32


def base64url(raw: bytes) -> str:
    """Encode without padding, as Web Push writes keys."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The opposite. Raises ValueError."""
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def installation_key(db: Database) -> ec.EllipticCurvePrivateKey:
    """The private key, made if there is none yet."""
    stored = _stored(db)
    if stored is None:
        made = ec.generate_private_key(ec.SECP256R1())
        der = made.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        try:
            with db.writing() as session:
                session.add(VapidKey(id=1, private_key=base64.b64encode(der).decode()))
        except IntegrityError:  # another process was first, and all use its key
            pass
        stored = _stored(db)
    assert stored is not None
    key = serialization.load_der_private_key(base64.b64decode(stored), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def _stored(db: Database) -> str | None:
    with db.reading() as session:
        return session.scalar(select(VapidKey.private_key))


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The public half, uncompressed: 65 bytes."""
    return key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )


def application_server_key(db: Database) -> str:
    """Public key that a browser is given when it subscribes."""
    return base64url(public_point(installation_key(db)))


def authorization(
    key: ec.EllipticCurvePrivateKey, target: Target, *, contact: str, now_s: float
) -> str:
    """The header by which a push service knows who sends: a JSON Web Token for its origin, signed
    with ES256. `now_s` is the time in Unix seconds."""
    claims = {
        "aud": f"{target.scheme}://{target.authority}",
        "exp": int(now_s) + _VALID_S,
        "sub": contact,
    }
    signed = f"{_part({'typ': 'JWT', 'alg': 'ES256'})}.{_part(claims)}"
    numbers = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    signature = b"".join(number.to_bytes(_NUMBER_BYTES, "big") for number in numbers)
    return f"vapid t={signed}.{base64url(signature)}, k={base64url(public_point(key))}"


def topic_of(message_id: str) -> str:
    """Topic of a push, by which a push service keeps only one of two waiting pushes with the same
    id."""
    return base64url(hashlib.sha256(message_id.encode()).digest())[:32]


def _part(value: dict[str, object]) -> str:
    return base64url(json.dumps(value, separators=(",", ":")).encode())
