from lb.leader import Lead


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_lead_is_confirmed_for_a_time_from_the_asking_not_from_the_answer() -> None:
    clock = Clock()
    lead = Lead(clock, 2.0)
    assert not lead.is_confirmed

    clock.now = 101.0
    lead.confirm(asked_at=100.0)

    assert lead.is_confirmed
    clock.now = 102.0
    assert lead.is_confirmed
    clock.now = 102.1
    assert not lead.is_confirmed


def test_an_answer_that_took_longer_than_the_limit_confirms_nothing() -> None:
    clock = Clock()
    lead = Lead(clock, 2.0)

    lead.confirm(asked_at=97.0)

    assert not lead.is_confirmed


def test_a_lost_session_ends_the_lead_at_once() -> None:
    clock = Clock()
    lead = Lead(clock, 2.0)
    lead.confirm(asked_at=100.0)

    lead.lose()

    assert not lead.is_confirmed


def test_who_waits_for_the_lead_is_told_once_it_is_confirmed_again() -> None:
    clock = Clock()
    lead = Lead(clock, 2.0)
    told: list[float] = []
    lead.on_confirmed = lambda: told.append(clock.now)

    lead.confirm(asked_at=100.0)
    clock.now = 101.0
    lead.confirm(asked_at=101.0)
    clock.now = 110.0
    lead.confirm(asked_at=110.0)

    assert told == [100.0, 110.0]
