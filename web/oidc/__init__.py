"""OpenID Connect (OIDC): how people prove who they are at a provider that the operator named.

The authorization code flow with PKCE. `provider` has what is asked of a provider and when,
`provider_requests` the requests, with limits on time and size, `id_token` what makes an ID token
believed, and `claims` what is read from it. What is known of a person ends with their sign-in: no
token of a provider is stored.
"""
