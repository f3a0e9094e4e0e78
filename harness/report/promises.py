"""Owns what each checker asks, in one sentence for people who have read nothing else."""

PROMISES = {
    "durability": "Every acknowledged write is on every instance, unless a later one replaced it.",
    "resurrection": "Nothing that was acknowledged as deleted is there again.",
    "phantom": "Nothing is there that no client ever tried to write.",
    "linearizability": "One order of all operations explains everything that clients were told.",
    "read-your-writes": "A client reads nothing older than what it has itself written.",
    "monotonic-reads": "A client reads nothing older than what it has read before.",
    "convergence": "All instances hold the same, and agree within the promised time.",
    "availability": "No more operations fail, and no client waits longer, than was promised.",
    "recall": "Searches find the true neighbours, on every instance alike.",
    "exactly-once": "A write that is sent again is not applied again, and is answered the same.",
    "transactions": "What the load balancer says became of a write is what became of it.",
    "mappings": "Every collection is known under its name and under its id on each instance.",
    "log-drained": "When clients have stopped, the log is applied everywhere and settled.",
    "status-figures": "The figures of the log are true: they are compared with the log itself.",
    "health-figures": "An instance that is cut off is shown as unhealthy, a well one as healthy.",
    "faults": "Every planned fault was seen to take effect, and to heal.",
    "endings": "The load balancer never ends by itself.",
    "counts": "Counts are those of a moment between question and answer.",
}
"""By the name of the checker; `docs/checkers.md` has the definitions."""
