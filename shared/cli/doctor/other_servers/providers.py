"""Checks of `longscribe doctor` on the OpenID Connect providers at which people sign in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from shared.cli.doctor.finding import Finding, ok, problem, warning
from shared.settings import Settings
from shared.settings.sign_in import OidcProvider
from web.oidc.errors import ProviderNotBelieved, ProviderUnavailable
from web.oidc.provider import Provider
from web.oidc.provider_requests import TIMEOUT_S

WITHIN_S = 2 * TIMEOUT_S + 4.0
"""Seconds for all of them, asked at once: each may take two requests."""

_THING = "sign-in"


def check_providers(settings: Settings) -> list[Finding]:
    """Ask each provider for its metadata and its keys; nothing else is sent."""
    if settings.oidc and not settings.requires_sign_in:
        return [
            warning(
                _THING,
                f"{len(settings.oidc)} providers are set up, and nobody signs in here",
                "Set LONGSCRIBE_SIGN_IN=required, or drop LONGSCRIBE_OIDC_PROVIDERS.",
            )
        ]
    with ThreadPoolExecutor(max(1, len(settings.oidc))) as at_once:
        return [finding for found in at_once.map(_check, settings.oidc) for finding in found]


def _check(configured: OidcProvider) -> list[Finding]:
    try:
        signs_out = Provider(configured).examine()
    except (ProviderUnavailable, ProviderNotBelieved) as error:
        return [
            problem(
                _THING,
                f"{configured.id}: {error.reason}",
                "Nobody signs in there until then; accounts with a password work. docs/accounts.md "
                "says what each reason means.",
            )
        ]
    there = "leads there too" if signs_out else "stays here"
    found = [ok(_THING, f"{configured.id} answers and has keys; signing out {there}")]
    limited = configured.allowed_groups or configured.required_claims
    if configured.create_accounts and not limited:
        found.append(
            warning(
                _THING,
                f"{configured.id}: everybody who has an account at {configured.issuer} gets one "
                "here",
                "Where that is more than your own people, set allowed_groups or required_claims.",
            )
        )
    return found
