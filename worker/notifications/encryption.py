"""Encryption of a push, so that its service cannot read it (RFC 8291, RFC 8188)."""

from __future__ import annotations

import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.notifications.vapid import public_point

_RECORD_BYTES = 4096
_LAST_RECORD = b"\x02"
_SALT_BYTES = 16


def encrypted(content: bytes, *, receiver: bytes, secret: bytes) -> bytes:
    """The body of a push, in one record. `receiver` is the browser's public key, uncompressed, and
    `secret` the one that it gave. Raises ValueError for a key that is no point."""
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), receiver)
    own = ec.generate_private_key(ec.SECP256R1())  # of this push alone
    point, salt = public_point(own), os.urandom(_SALT_BYTES)
    shared = own.exchange(ec.ECDH(), public)
    input_key = _derived(shared, secret, b"WebPush: info\0" + receiver + point, 32)
    key = _derived(input_key, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derived(input_key, salt, b"Content-Encoding: nonce\0", 12)
    header = salt + _RECORD_BYTES.to_bytes(4, "big") + bytes([len(point)]) + point
    return header + AESGCM(key).encrypt(nonce, content + _LAST_RECORD, None)


def _derived(key: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(key)
