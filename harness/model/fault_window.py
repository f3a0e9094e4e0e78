"""Owns the record of one fault: when it was injected and healed, and when either was seen."""

import msgspec


class FaultWindow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="fault"):
    """From inject to healed, both observed; a time of 0 means that the step was not reached.

    A window is recorded again at each step under the same `index`: the last record counts. A fault
    with a trigger was injected `offset_milliseconds` after its event, which was at `event_ns`; when
    that was never seen, it was not injected at all.
    `ended_early` says what was seen instead of the fault right before it was to be healed.
    """

    index: int
    fault: str
    target: str
    injected_ns: int
    effect_observed_ns: int = 0
    effect_evidence: str = ""
    ended_early: str = ""
    healed_ns: int = 0
    heal_observed_ns: int = 0
    heal_evidence: str = ""
    trigger: str = ""
    offset_milliseconds: int = 0
    event_ns: int = 0
    event: str = ""

    @property
    def took_effect(self) -> bool:
        """Tell whether the target was seen to fail."""
        return self.effect_observed_ns > 0

    @property
    def was_healed(self) -> bool:
        """Tell whether the target was seen to work again."""
        return self.heal_observed_ns > 0
