"""Lanes: the ordered entries of each collection, and the pure decision what an instance does next.

Nothing here awaits or talks: appliers ask `decide`, act, and report back with `advance`.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from uuid import UUID

from lb.merging import MERGEABLE, WindowLimits
from lb.model import STRUCTURAL, Entry

Able = Callable[[str, Entry], bool]
"""Tells whether an instance could be sent an entry now."""

FOLLOWERS_REST = 3.0
"""How many times as long as its last request one rests that does what others have done already."""

FOLLOW_SECONDS = 0.25
"""How long what others have done already waits at most for such a rest to end."""


class Step(Enum):
    """What an instance does with the next entry of a lane."""

    IDLE = auto()
    """Nothing is left to apply."""
    SEND = auto()
    """Send it now."""
    SKIP = auto()
    """It was refused (4xx): the refusal is its outcome everywhere, only the cursor moves."""
    WAIT = auto()
    """Something else must happen first; the one who makes it happen asks again."""
    HEDGE = auto()
    """Another instance was asked and may answer, or more may come; ask again at `Decision.at`."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A step, the entry it concerns, and for HEDGE the time to ask again."""

    step: Step
    entry: Entry | None = None
    at: float = 0.0


class Lane:
    """The tail of one collection's entries, and how far each member has come.

    The members are the instances in `queues`: they have the collection, or get it from the log.
    Invariant: `cursors[x] <= applied[x] <= sent[x]` for every member x, and all only grow.
    `applied` moves with the instance's answer, `cursors` when PostgreSQL has it.
    """

    def __init__(self, lane_id: UUID, instances: Iterable[str], position: int = 0) -> None:
        self.lane_id = lane_id
        names = tuple(instances)
        self.queues: dict[str, deque[Entry]] = {name: deque() for name in names}
        self.cursors = dict.fromkeys(names, position)
        self.applied = dict.fromkeys(names, position)
        self.sent = dict.fromkeys(names, position)
        self.seen = dict.fromkeys(names, 0)
        self.busy: set[str] = set()
        self.in_flight: dict[str, tuple[Entry, ...]] = {}
        """What was sent to an instance and has no answer yet."""
        self.retry_at: dict[str, float] = {}
        self.repairing: set[str] = set()
        """Instances whose documents are being repaired: nothing is read there meanwhile."""
        self.held: set[str] = set()
        """Members that are sent nothing for a moment, because they are being copied from."""
        self.copying: dict[str, deque[Entry]] = {}
        """Instances that get a copy, with what was logged since it began and is to be made up."""
        self.singly_until: dict[str, int] = {}
        """Instances that refused a window: up to this position they get entries one by one."""
        self.follow_at: dict[str, float] = {}
        """Before that an instance is not sent again what another one has done already."""
        self.tested: dict[str, int] = {}
        """After which of its returns an instance has last taken a write of the collection."""
        self.broken: set[str] = set()
        """Instances that fail harmless writes to the collection: others are asked first."""
        self.acked = 0
        self.structure_acked = 0

    def __repr__(self) -> str:
        backlog = {name: len(queue) for name, queue in self.queues.items()}
        return f"<Lane {self.lane_id} acked={self.acked} applied={self.applied} backlog={backlog}>"

    @property
    def is_drained(self) -> bool:
        """Whether every member has applied every entry."""
        return not any(self.queues.values())

    @property
    def members(self) -> tuple[str, ...]:
        """The instances that have the collection, or get it from the log."""
        return tuple(self.queues)

    def is_member(self, instance: str) -> bool:
        """Tell whether the instance takes part; one that does not is asked nothing."""
        return instance in self.queues

    def append(self, entry: Entry) -> None:
        """Add an entry that the log holds; each member that has not applied it will."""
        for name, queue in self.queues.items():
            if entry.position > self.applied[name]:
                queue.append(entry)
        for entries in self.copying.values():
            entries.append(entry)

    def leave(self, instance: str) -> None:
        """End a membership. What was sent there may have been read: others must have it first."""
        assert len(self.queues) > 1, "the last member keeps the collection"
        sent, head = self.sent[instance], self.next_entry(instance)
        if head is not None and head.is_held:
            # Nobody else will get that soon, perhaps never: only what was read counts.
            sent = max(self.applied[instance], self.seen[instance])
        self.acked = max(self.acked, sent)
        self.structure_acked = max(self.structure_acked, sent)
        for kept in (self.queues, self.cursors, self.applied, self.sent, self.seen):
            kept.pop(instance)
        self.retry_at.pop(instance, None)
        self.singly_until.pop(instance, None)
        self.follow_at.pop(instance, None)
        self.tested.pop(instance, None)
        self.broken.discard(instance)

    def join(self, instance: str, like: str) -> None:
        """Make the instance a member that has, and lacks, what another member has and lacks."""
        assert instance not in self.queues, "a member is not joined again"
        position = self.applied[like]
        assert self.sent[like] == position, "what is in doubt is not copied"
        self.queues[instance] = deque(self.queues[like])
        self.cursors[instance] = self.applied[instance] = self.sent[instance] = position
        self.seen[instance] = 0

    def next_entry(self, instance: str) -> Entry | None:
        """Return the entry that the instance has to apply next."""
        queue = self.queues.get(instance)
        return queue[0] if queue else None

    def mark_sent(self, instance: str, entry: Entry) -> None:
        """Note that a read from the instance may see the entry from now on."""
        self.sent[instance] = max(self.sent[instance], entry.position)

    def mark_applied(self, instance: str, entry: Entry) -> None:
        """Note that the instance has the entry, durably or not at all (a refused one)."""
        self.applied[instance] = max(self.applied[instance], entry.position)
        self.mark_sent(instance, entry)

    def acknowledge(self, entry: Entry) -> None:
        """Note that a client was told that the entry took effect."""
        self.acked = max(self.acked, entry.position)
        if entry.kind in STRUCTURAL:
            self.structure_acked = max(self.structure_acked, entry.position)

    def acknowledge_only_before(self, entry: Entry) -> None:
        """Note that neither the entry nor what follows took effect: reads need not wait for it."""
        self.acked = min(self.acked, entry.position - 1)
        self.structure_acked = min(self.structure_acked, entry.position - 1)

    def advance(self, instance: str, entry: Entry) -> None:
        """Remove the entry from the instance's queue: its cursor is committed past it."""
        assert self.queues[instance][0] is entry, "a lane is applied in order"
        self.queues[instance].popleft()
        self.cursors[instance] = entry.position
        self.retry_at.pop(instance, None)

    def note_read(self, instance: str) -> None:
        """Note that a read from the instance has completed: it may have seen all that was sent."""
        if instance in self.queues:
            self.seen[instance] = self.sent[instance]

    def is_fresh(self, instance: str) -> bool:
        """Tell whether a read from the instance cannot be stale (invariant 6 of the design)."""
        if instance in self.repairing or instance not in self.queues:
            return False
        return self.applied[instance] >= max(self.acked, self._seen_elsewhere(instance))

    def is_structure_fresh(self, instance: str) -> bool:
        """Tell whether a listing from the instance shows what was acknowledged or seen before."""
        if instance not in self.queues:
            return False
        return self.applied[instance] >= max(self.structure_acked, self._seen_elsewhere(instance))

    def _seen_elsewhere(self, instance: str) -> int:
        furthest = 0
        for name, seen in self.seen.items():
            if seen > furthest and name != instance:
                furthest = seen
        return furthest


def choose_window(lane: Lane, instance: str, limits: WindowLimits, now: float) -> list[Entry]:
    """Return the entries that the instance may be sent in one request, the next one first.

    How many documents they are is looked at when they are merged.
    """
    queue = iter(lane.queues[instance])
    window = [first := next(queue)]
    if first.position <= lane.singly_until.get(instance, 0) or not is_alike(first, first, now):
        return window
    size = first.body_bytes
    for entry in queue:
        size += entry.body_bytes
        is_full = len(window) >= limits.entries or size > limits.body_bytes
        if is_full or not is_alike(first, entry, now):
            break
        window.append(entry)
    return window


def is_alike(first: Entry, entry: Entry, now: float) -> bool:
    """Tell whether an entry may travel with the first one of a window.

    Either both have succeeded elsewhere, or neither has an outcome nor has ever got a 5xx: a
    suspect goes alone, so that whatever happens next is its own doing.
    """
    if entry.kind is not first.kind or entry.kind not in MERGEABLE:
        return False
    if entry.content_type != first.content_type:
        return False
    if first.outcome is not None:
        return entry.outcome is not None and entry.outcome.is_success
    unsuspected = entry.suspicion is None and now >= entry.implicated_until
    return entry.outcome is None and unsuspected


def preferred_instance(lane: Lane, able: Iterable[str]) -> str | None:
    """Choose which instance gets the lane's next entry first.

    `able` are the instances that could take it now, in configured order. The furthest one wins,
    so that an instance that catches up never holds up clients; ties go to the configured order.
    """
    best: str | None = None
    for name in able:
        if best is None or lane.applied[name] > lane.applied[best]:
            best = name
    return best


def _held(entry: Entry, now: float) -> Decision | None:
    """Keep an entry from every instance that may be what breaks one."""
    if entry.is_held:
        return Decision(Step.WAIT, entry)
    if entry.outcome is None and now < entry.implicated_until:
        return Decision(Step.HEDGE, entry, entry.implicated_until)
    return None


def _follow(lane: Lane, instance: str, entry: Entry, able: Able, now: float) -> Decision:
    """Send what another instance has done, but not each write by itself while more are coming.

    No client waits for it, and each request here slows the instance that clients do wait for,
    where both share a disk or a processor. What has waited for long is sent at once; so is all
    when nobody else could answer what comes after it, for which clients may be waiting.
    """
    is_alone = not any(able(name, entry) for name in lane.queues if name != instance)
    if entry.kind not in MERGEABLE or entry.first_sent_at is None or is_alone:
        return Decision(Step.SEND, entry)
    at = min(lane.follow_at.get(instance, 0.0), entry.first_sent_at + FOLLOW_SECONDS)
    return Decision(Step.SEND if now >= at else Step.HEDGE, entry, at)


def decide(
    lane: Lane,
    instance: str,
    able: Able,
    now: float,
    hedge_seconds: float,
) -> Decision:
    """Decide what the instance does next in the lane.

    `able(name, entry)` tells whether an instance takes writes now and has applied what the entry
    depends on. The cases, in order: nothing to do; at work, or held for a copy; refused before;
    held because it may be what breaks instances; not able; backing off after a failure; outcome
    known (follow); first in line (lead); another leads (hedge after a delay).
    """
    entry = lane.next_entry(instance)
    if entry is None:
        return Decision(Step.IDLE)
    if instance in lane.busy or instance in lane.held:
        return Decision(Step.WAIT, entry)
    if entry.outcome is not None and not entry.outcome.has_effect:
        return Decision(Step.SKIP, entry)
    if (held := _held(entry, now)) is not None:
        return held
    if not able(instance, entry):
        return Decision(Step.WAIT, entry)
    if now < (retry_at := lane.retry_at.get(instance, 0.0)):
        return Decision(Step.HEDGE, entry, retry_at)
    if entry.outcome is not None:
        return _follow(lane, instance, entry, able, now)
    leaders = [name for name in lane.queues if name not in lane.held and able(name, entry)]
    sound = [name for name in leaders if name not in lane.broken]
    if preferred_instance(lane, sound or leaders) == instance:
        return Decision(Step.SEND, entry)
    if entry.first_sent_at is None:
        return Decision(Step.WAIT, entry)
    hedge_at = entry.first_sent_at + hedge_seconds
    return Decision(Step.SEND if now >= hedge_at else Step.HEDGE, entry, hedge_at)
