"""The promises that a load balancer can break; each mutant names the one that it breaks."""

from enum import StrEnum


class Promise(StrEnum):
    """Invariants of the load balancer by their numbers, and requirements by their names."""

    LOGGED_FIRST = "invariant 1: logged first"
    ONE_ORDER = "invariant 2: one order"
    IDEMPOTENT_WINDOWS = "invariant 3: windows are idempotent"
    OTHERS_FOLLOW = "invariant 4: one instance is chosen first, the others follow"
    MERGING = "invariant 5: merging changes nothing"
    FRESH_READS = "invariant 6: reads are never stale"
    HEDGED_READS = "invariant 7: reads are hedged and retried"
    DEFINITE_OUTCOMES = "invariant 8: an outcome is definite or it is not"
    ONE_ACTIVE = "invariant 9: one active load balancer"
    CATALOGUE = "invariant 10: the catalogue is in PostgreSQL"
    BOUNDED_LOG = "invariant 11: the log is bounded, and loses nothing that is needed"
    LATE_REQUESTS = "invariant 13: time alone never ends a write request"
    MAPPING = "F1: mapping"
    DURABLE_WRITES = "F2: every write is durable and reaches both"
    FAILOVER = "F3: health and failover"
    TRUE_FIGURES = "F4: the figures are true"
    PROTECTION = "F5: protected collections stay"
    POISON = "quarantine: what breaks one instance is kept from the others"
    NO_ERRORS = "use case 1: nothing fails while all is well"
    OUTCOMES_KNOWN = "T3: a client learns what became of its write"
    ONCE = "T4: a repeated transaction is not applied again"
