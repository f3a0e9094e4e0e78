"""A client's write as it came, and what tells it from others; decides nothing."""

import hashlib
from dataclasses import dataclass, field
from uuid import uuid4

from lb.model import Share
from lb.paths import Target


@dataclass(frozen=True)
class WriteRequest:
    """A client's write. `transaction_id` is the client's own or None; `session` says who asks."""

    target: Target
    body: bytes
    content_type: str
    transaction_id: str | None = None
    session: str = ""
    share: Share | None = None
    fallback_id: str = field(default_factory=lambda: str(uuid4()))

    @property
    def id(self) -> str:
        """The transaction id: the client's, or one that we made."""
        return self.transaction_id or self.fallback_id

    def instead(self, target: Target) -> "WriteRequest":
        """Return a request of the load balancer's own that this one entails."""
        return WriteRequest(target, b"", "", session=self.session)

    @property
    def fingerprint(self) -> bytes:
        """What tells this request from another one with the same transaction id."""
        target = self.target
        head = "\0".join(
            (target.action, target.tenant, target.database, target.reference, self.content_type)
        )
        digest = hashlib.sha256(head.encode() + b"\0")
        digest.update(self.body)  # Joined to the head, a long body would be there twice.
        return digest.digest()
