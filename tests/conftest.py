"""What holds for all tests."""

from hypothesis import settings

# No test asserts a time by accident: machines are busy, and an example that is slow is not wrong.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")
