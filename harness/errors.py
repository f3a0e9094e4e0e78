"""The harness's errors: each class names a cause that the person at the terminal can act on."""


class HarnessError(Exception):
    """Base of all errors of the harness; its text says what to do next."""


class UsageError(HarnessError):
    """The caller asked for something that does not exist; the text names what does."""


class PartMissingError(HarnessError):
    """A real part (PostgreSQL, Toxiproxy, Chroma) was not found; the text says where we looked."""


class LabError(HarnessError):
    """A server of the lab did not start, or died; the text carries the last lines of its log."""


class FaultError(HarnessError):
    """A fault could not be injected, did not take effect, or did not heal."""


class UnsupportedFaultError(FaultError):
    """The lab does not have the capability that the fault needs; refused before the run."""


class ProtectedCollectionError(HarnessError):
    """A client was told to touch a collection that it must not; nothing was sent."""


class LeftoverError(HarnessError):
    """What was created in a system that others use is not all removed; the text names it."""


class InstanceReadError(HarnessError):
    """An instance did not answer a direct read, or answered nonsense; ask again, or see its log."""


class SteadyStateError(HarnessError):
    """The system under test did not work even before a fault; the text says what did not."""


class RunDirectoryError(HarnessError):
    """A run directory is in use already, or does not hold a run; the text names the directory."""
