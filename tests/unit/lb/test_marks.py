from uuid import UUID

import pytest

from lb.marks import Fit, LogIdentity, Mark, Term, cause_of, conflict

LOG, OTHER = UUID(int=1), UUID(int=2)
FIRST, SECOND, OURS, FORK = (UUID(int=n) for n in (11, 12, 13, 14))
IDENTITY = LogIdentity(LOG, OURS, {FIRST: Term(1, 10), SECOND: Term(2, 25), OURS: Term(3, None)})


@pytest.mark.parametrize(
    ("found", "fit"),
    [
        (None, Fit.UNMARKED),
        (Mark(LOG, FIRST, 10), Fit.FITS),
        (Mark(LOG, FIRST, 11), Fit.SET_BACK),
        (Mark(LOG, SECOND, 11), Fit.FITS),
        (Mark(LOG, SECOND, 26), Fit.SET_BACK),
        (Mark(LOG, OURS, 900), Fit.FITS),
        (Mark(LOG, FORK, 1), Fit.SET_BACK),
        (Mark(OTHER, FIRST, 1), Fit.OTHER_LOG),
    ],
)
def test_a_mark_fits_a_log_that_has_its_term_up_to_its_position(
    found: Mark | None, fit: Fit
) -> None:
    assert IDENTITY.judge(found, None) is fit


def test_a_log_that_was_set_back_is_found_however_far_it_has_gone_on_since() -> None:
    """Positions alone would say that position 500 is behind 900."""
    set_back = LogIdentity(LOG, FORK, {FIRST: Term(1, 5), FORK: Term(2, None)})

    assert set_back.judge(Mark(LOG, OURS, 500), None) is Fit.SET_BACK
    assert set_back.judge(Mark(LOG, FIRST, 6), None) is Fit.SET_BACK


@pytest.mark.parametrize(
    ("found", "noted", "fit"),
    [
        (Mark(LOG, FIRST, 9), Mark(LOG, FIRST, 10), Fit.OLDER_COPY),
        (Mark(LOG, FIRST, 10), Mark(LOG, SECOND, 10), Fit.OLDER_COPY),
        (Mark(LOG, SECOND, 10), Mark(LOG, FIRST, 10), Fit.FITS),
        (Mark(LOG, OURS, 30), Mark(LOG, OURS, 30), Fit.FITS),
        (Mark(LOG, OURS, 29), Mark(LOG, OURS, 30), Fit.OLDER_COPY),
        (Mark(LOG, FIRST, 11), Mark(LOG, FIRST, 10), Fit.SET_BACK),
        (None, Mark(LOG, FIRST, 10), Fit.OLDER_COPY),
    ],
)
def test_an_instance_that_lacks_a_mark_that_it_had_taken_is_an_older_copy(
    found: Mark | None, noted: Mark, fit: Fit
) -> None:
    assert IDENTITY.judge(found, noted) is fit


@pytest.mark.parametrize(
    ("fits", "is_usable"),
    [
        ((Fit.UNKNOWN, Fit.UNKNOWN), True),
        ((Fit.UNMARKED, Fit.UNMARKED), True),
        ((Fit.FITS, Fit.UNKNOWN), True),
        ((Fit.FITS, Fit.SET_BACK), False),
        ((Fit.SET_BACK, Fit.UNKNOWN), False),
        ((Fit.OTHER_LOG, Fit.OTHER_LOG), False),
        ((Fit.OTHER_LOG, Fit.UNMARKED), False),
        ((Fit.OTHER_LOG, Fit.UNKNOWN), False),
        ((Fit.OTHER_LOG, Fit.FITS), True),
        ((Fit.OTHER_LOG, Fit.OLDER_COPY), True),
        ((Fit.OLDER_COPY, Fit.OLDER_COPY), False),
        ((Fit.OLDER_COPY, Fit.UNKNOWN), True),
    ],
)
def test_one_that_is_ahead_or_only_strangers_or_only_older_copies_speak_against_the_log(
    fits: tuple[Fit, Fit], is_usable: bool
) -> None:
    assert (conflict(dict(zip(("primary", "replica"), fits, strict=True))) == "") is is_usable


@pytest.mark.parametrize("fit", Fit)
def test_while_the_log_is_in_conflict_no_instance_is_used(fit: Fit) -> None:
    assert cause_of(fit, "the log was set back") == "the log was set back"
    assert bool(cause_of(fit, "")) is (fit in (Fit.OTHER_LOG, Fit.OLDER_COPY))
