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
    """The kind of an error, or ``ok``."""
    message: str
    """What was seen."""
    advice: str | None = None
    """What to do about it."""


class Diagnosis(Struct, frozen=True, kw_only=True):
    """The way to the API, step by step; ``str()`` of it is a report for people."""

    base_url: str = field(name="baseUrl")
    """Where requests go."""
    ok: bool
    """Whether a read with this key was answered."""
    tls: Negotiated | None = None
    """What TLS agreed on; None over http, through a proxy, or where no connection could be made."""
    findings: list[Finding] = []
    """What was found, in the order of the checks."""

    def __str__(self) -> str:
        lines = [f"base URL: {self.base_url}"]
        if self.tls is not None:
            lines += [
                f"protocol: {self.tls.protocol}, {self.tls.application_protocol or 'no HTTP version agreed on'}",
                f"cipher suite: {self.tls.cipher_suite}",
                f"key exchange: {self.tls.key_exchange}",
            ]
        for finding in self.findings:
            lines.append(f"{finding.code}: {finding.message}")
            if finding.advice:
                lines.append(f"    {finding.advice}")
        return "\n".join(lines)
