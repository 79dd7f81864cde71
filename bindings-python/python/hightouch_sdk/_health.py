"""What a client can tell about itself and about its way to the API."""

from __future__ import annotations

from msgspec import Struct, field


class Waiting(Struct, frozen=True, kw_only=True):
    """Calls that wait for the limit, by class."""

    trigger: int = 0
    """What starts something."""
    poll: int = 0
    """What looks after something that runs."""
    read: int = 0
    """Everything else."""
    bulk: int = 0
    """What reads on and on, such as later pages of a list; leaves a tenth of the limit free for the others."""


class Stats(Struct, frozen=True, kw_only=True):
    """How the limit stands, for all clients of this process that use the same key."""

    limit: int
    """Requests that the workspace allows in a window."""
    allowed: int
    """Requests that are let through in a window now: fewer than ``limit`` after refusals."""
    in_flight: int = field(name="inFlight")
    """Requests under way; those given up are counted for 5 seconds more."""
    used: int
    """Requests that weigh on the last window."""
    waiting: Waiting
    """Calls that wait."""
    closed_for_ms: float = field(name="closedForMs")
    """Milliseconds for which nothing is let through, after a refusal."""
    refused: int
    """Requests that the server refused for the limit (429) so far."""
    granted: int
    """Requests let through so far."""


class Negotiated(Struct, frozen=True, kw_only=True):
    """What was agreed on in a TLS handshake, in the names of the IANA registries."""

    protocol: str
    """``TLSv1_3`` or ``TLSv1_2``."""
    cipher_suite: str = field(name="cipherSuite")
    """Such as ``TLS13_AES_256_GCM_SHA384``."""
    key_exchange: str = field(name="keyExchange")
    """Such as ``X25519MLKEM768``."""
    application_protocol: str | None = field(name="applicationProtocol", default=None)
    """``h2`` or ``http/1.1``."""


class Finding(Struct, frozen=True, kw_only=True):
    """One thing that a diagnosis found."""

    code: str
    """``ok``; or what is wrong: ``no_key``, ``malformed_key``, ``bad_token``, ``orphaned_creator``, ``stripped_key``,
    ``key_function``, ``key_changed``, ``dns``, ``proxy``, ``refused``, ``not_tls``, ``tls_version``, ``tls_suites``,
    ``unknown_ca``, ``self_signed``,
    ``wrong_host``, ``expired_certificate``, ``future_certificate``, ``quota_exhausted``; or the kind of another error.
    Later versions may know more of them."""
    message: str
    """What was seen."""
    advice: str | None = None
    """What to do about it."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """The way to the API, step by step; ``str()`` of it is ``text``."""

    ok: bool
    """Whether a read with this key was answered."""
    text: str
    """A report for people of all the rest, a line for each thing found."""
    base_url: str | None = field(name="baseUrl", default=None)
    """Where requests go; None where the settings do not say it."""
    proxy: str | None = None
    """The proxy that requests go through, given or from the environment, without its credentials; None where they go to
    the server directly."""
    tls: Negotiated | None = None
    """What TLS agreed on with the server, through the proxy where there is one; None over http, behind a proxy that is
    itself spoken to over TLS, or where no connection could be made."""
    findings: list[Finding] = []
    """What was found, in the order of the checks."""

    def __str__(self) -> str:
        return self.text
