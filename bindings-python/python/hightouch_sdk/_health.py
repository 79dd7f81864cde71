"""The state of the rate limit, and diagnoses."""

from __future__ import annotations

from msgspec import Struct, field


class Waiting(Struct, frozen=True, kw_only=True):
    """How many calls wait for the rate limit, by priority."""

    trigger: int = 0
    """Calls that start something."""
    poll: int = 0
    """Requests that read the state of a run."""
    read: int = 0
    """All other calls."""
    bulk: int = 0
    """Calls that read many rows, such as later pages of a list. They leave a tenth of the rate limit to the others."""


class Stats(Struct, frozen=True, kw_only=True):
    """The state of the rate limit, for all clients of the process that use the same key."""

    limit: int
    """How many requests the workspace allows per window."""
    allowed: int
    """How many requests are sent per window at present: fewer than ``limit`` after refusals."""
    in_flight: int = field(name="inFlight")
    """Requests in progress. One that was given up counts for 5 more seconds."""
    used: int
    """Requests that count towards the current window."""
    waiting: Waiting
    """Calls that wait for the rate limit."""
    closed_for_ms: float = field(name="closedForMs")
    """Milliseconds until the client sends again after a refusal (429); 0 if it is not waiting."""
    refused: int
    """Requests that the server has refused because of its rate limit (429)."""
    granted: int
    """Requests that have been sent."""


class Negotiated(Struct, frozen=True, kw_only=True):
    """The result of a TLS handshake, in the names of the IANA registries."""

    protocol: str
    """``TLSv1_3`` or ``TLSv1_2``."""
    cipher_suite: str = field(name="cipherSuite")
    """The cipher suite, such as ``TLS13_AES_256_GCM_SHA384``."""
    key_exchange: str = field(name="keyExchange")
    """The key exchange, such as ``X25519MLKEM768``."""
    application_protocol: str | None = field(name="applicationProtocol", default=None)
    """``h2`` or ``http/1.1``."""


class Finding(Struct, frozen=True, kw_only=True):
    """One result of a diagnosis."""

    code: str
    """``ok``, or what is wrong: ``no_key``, ``malformed_key``, ``bad_token``, ``orphaned_creator``, ``stripped_key``,
    ``key_function``, ``key_changed``, ``dns``, ``proxy``, ``refused``, ``not_tls``, ``tls_version``, ``tls_suites``,
    ``unknown_ca``, ``self_signed``, ``wrong_host``, ``expired_certificate``, ``future_certificate``,
    ``quota_exhausted``, or the kind of another error. Later versions may add codes."""
    message: str
    """What was found, as a sentence."""
    advice: str | None = None
    """What to do about it, as a sentence."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """The result of checking the settings, the connection and the key. Its ``str()`` is ``text``."""

    ok: bool
    """Whether a read with this key succeeded."""
    text: str
    """A readable report of all findings."""
    base_url: str | None = field(name="baseUrl", default=None)
    """The address of the API; None if the settings do not contain a valid one."""
    proxy: str | None = None
    """The proxy that requests go through, from the settings or the environment, without its credentials. None if there
    is no proxy."""
    tls: Negotiated | None = None
    """The result of the TLS handshake with the server. None over plain HTTP, behind a proxy that itself uses TLS, or if
    no connection could be made."""
    findings: list[Finding] = []
    """The findings, in the order of the checks."""

    def __str__(self) -> str:
        return self.text
