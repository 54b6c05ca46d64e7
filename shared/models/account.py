"""Accounts, their sign-ins and their API keys.

Nothing here can be used by who reads it: passwords are argon2id hashes, and of session tokens and
API keys, which are 256 random bits, only the SHA-256 is kept; of a provider's tokens nothing.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from shared.db import database_now
from shared.models.base import Base, BigId, Id, new_id


class User(Base):
    """An account. Its id is the `owner_id` of what it submits; an account is deleted by an erasure
    alone, after all that is its, so nothing ever loses its owner."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64))
    """Name as its person writes it."""
    name_key: Mapped[str] = mapped_column(String(200), unique=True)
    """The name without the difference between capitals and small letters; the database keeps two
    accounts from having the same."""
    password_hash: Mapped[str] = mapped_column(String(255))
    """Hash of the password; empty for who signs in at an OpenID Connect provider only: no password
    fits that."""
    password_is_temporary: Mapped[bool] = mapped_column(Boolean, default=False)
    """True if somebody else knows the password: who signs in with it next chooses another first."""
    is_admin: Mapped[bool] = mapped_column(Boolean, default=False)
    monthly_audio_s: Mapped[float | None] = mapped_column(Float)
    """Seconds of audio that it may submit in a month; 0 for any, null for what the settings say."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    disabled_at: Mapped[datetime | None]
    erase_asked_at: Mapped[datetime | None]
    """Time from which on the account is being erased, and disabled for good; null: it is not."""


class SignIn(Base):
    """A browser in which somebody is signed in. Without its row a cookie is worth nothing."""

    __tablename__ = "sign_ins"

    token_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    seen_at: Mapped[datetime] = mapped_column(default=database_now())
    """Time of its last use, to within a minute."""

    user: Mapped[User] = relationship(lazy="raise")


class Identity(Base):
    """Person at an OpenID Connect provider, whose sign-in there opens an account."""

    __tablename__ = "identities"
    __table_args__ = (UniqueConstraint("issuer", "subject", name="identities_once"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    """The `sub` of the ID token: the only name that a provider never gives to somebody else."""
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    last_used_at: Mapped[datetime] = mapped_column(default=database_now())


class Authenticator(Base):
    """An app on somebody's phone whose codes are the second step of their sign-in."""

    __tablename__ = "authenticators"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    secret: Mapped[str] = mapped_column(String(64))
    """Secret in base 32. It is stored as it is, for codes are computed from it; alone it opens
    nothing."""
    confirmed_at: Mapped[datetime | None]
    """Time of the first right code; null until then, and no code is asked for."""
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    """Number of the 30 seconds since 1970 whose code was accepted last."""
    created_at: Mapped[datetime] = mapped_column(default=database_now())


class RecoveryCode(Base):
    """A code for who has lost their authenticator, deleted when it is used."""

    __tablename__ = "recovery_codes"

    user_id: Mapped[str] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    code_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)


class ApiKey(Base):
    """Key that a program sends as `Authorization: Bearer`."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    """Purpose of the key, in its owner's words."""
    key_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(default=database_now())
    last_used_at: Mapped[datetime | None]
    """Time of the key's last use, to within a minute; null: never used."""
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship(lazy="raise")


class SignInAttempt(Base):
    """A password that was tried and was not right, or is being tried just now."""

    __tablename__ = "sign_in_attempts"
    __table_args__ = (
        Index("sign_in_attempts_of_account", "account", "at"),
        Index("sign_in_attempts_of_address", "address", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the name that was given: people type their password into the wrong field."""
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(default=database_now())
