"""The state of the rate limit, and diagnoses."""

from __future__ import annotations

from msgspec import field

from ._value import Value


class Waiting(Value, frozen=True, kw_only=True):
    """How many calls wait for the rate limit, by priority."""

    trigger: int = 0
    """Calls that start something."""
    poll: int = 0
    """Requests that read the state of a run."""
    read: int = 0
    """Calls with the priority ``"read"``, such as ``syncs.get``."""
    bulk: int = 0
    """Calls that read many rows, such as later pages of a list. They leave a tenth of the rate limit to other calls."""


class Stats(Value, frozen=True, kw_only=True):
    """The state of the rate limit. The figures count all who share the limit, unless a field says otherwise."""

    scope: str
    """Who shares the limit at present: ``"process"``, the clients of this process; ``"host"``, all processes of the
    same user on this machine; ``"fleet"``, all processes, on any machine, that share the limit through the same
    Redis or Valkey server."""
    limit: int
    """How many requests the workspace allows per window."""
    allowed: int
    """How many requests per window are allowed at present: fewer than ``limit`` after refusals, or with a ``share``."""
    in_flight: int = field(name="inFlight")
    """Requests in progress. A request that the client has given up still counts while it may reach the server."""
    used: int
    """Requests that count against the limit now: those in progress, and those that ended within the last window."""
    waiting: Waiting
    """Calls of this process that wait for the rate limit."""
    closed_for_ms: float = field(name="closedForMs")
    """Milliseconds until requests are sent again after a refusal (429); 0 if the client holds no requests back."""
    refused: int
    """Requests of this process that the server has refused so far because of its rate limit (429)."""
    cuts: int
    """How often refusals (429) have lowered ``allowed`` so far, including those of other processes that share the
    limit. Later successes raise ``allowed`` again."""
    granted: int
    """Requests that this process has sent so far."""
    fallback: str | None = None
    """Why the limit is not shared at present although ``limit_scope`` asks for it; None if nothing is wrong."""
    members: int | None = None
    """How many processes, including this one, have used the limit within the last minute. Known only if a Redis or
    Valkey server keeps the limit and has answered; otherwise None."""
    waiting_total: int | None = field(name="waitingTotal", default=None)
    """Calls that wait for the rate limit, in all processes together. Known only if a Redis or Valkey server keeps the
    limit and has answered; otherwise None."""


class Negotiated(Value, frozen=True, kw_only=True):
    """The result of a TLS handshake."""

    protocol: str
    """The TLS version: ``TLS 1.3`` or ``TLS 1.2``."""
    cipher_suite: str = field(name="cipherSuite")
    """The cipher suite by its IANA name, such as ``TLS_AES_256_GCM_SHA384``."""
    key_exchange: str = field(name="keyExchange")
    """The key exchange, such as ``X25519MLKEM768``."""
    application_protocol: str | None = field(name="applicationProtocol", default=None)
    """``h2`` or ``http/1.1``; None if the server chose neither."""


class Finding(Value, frozen=True, kw_only=True):
    """One result of a diagnosis."""

    code: str
    """``ok``, or what is wrong: ``no_key``, ``malformed_key``, ``bad_token``, ``orphaned_creator``, ``stripped_key``,
    ``key_function``, ``key_changed``, ``dns``, ``proxy``, ``refused``, ``no_descriptors``, ``not_tls``,
    ``tls_version``, ``tls_suites``, ``unknown_ca``, ``self_signed``, ``wrong_host``, ``expired_certificate``,
    ``future_certificate``, ``limit_not_shared``, ``quota_exhausted``, or the kind of an error that has no code.
    Errors have the same codes in their attribute ``code``; ``checkpoint`` occurs only there. Later versions may add
    codes."""
    message: str
    """What was found, as a sentence."""
    advice: str | None = None
    """What to do about the finding, in one or more sentences."""


class Diagnosis(Value, frozen=True, kw_only=True):
    """The result of checking the settings, the connection and the key. Its ``str()`` is ``text``."""

    ok: bool
    """Whether a read with the API key succeeded."""
    text: str
    """A readable report of all findings."""
    base_url: str | None = field(name="baseUrl", default=None)
    """The address of the API; None if the settings do not contain a valid address."""
    proxy: str | None = None
    """The proxy that requests go through, from the settings or the environment, without its credentials. None if there
    is no proxy."""
    tls: Negotiated | None = None
    """The result of the TLS handshake with the server. None over plain HTTP, or if no connection could be made."""
    findings: list[Finding] = field(default=[])
    """The findings, in the order of the checks."""

    def __str__(self) -> str:
        return self.text
