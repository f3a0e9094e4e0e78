"""The load balancer's errors and the one table that maps each to an HTTP status.

Foreign exceptions are mapped to these where they enter, with their cause kept.
"""


class LoadBalancerError(Exception):
    """Base of all errors of the load balancer."""


class ConfigurationError(LoadBalancerError):
    """A setting is missing or wrong; the text names it. Ends the start with one line."""


class SchemaError(LoadBalancerError):
    """The database was migrated by a newer version of the load balancer."""


class LeadershipLostError(LoadBalancerError):
    """Another load balancer wrote to the log since we last held its lock: our memory is stale."""


class LogSetBackError(LoadBalancerError):
    """PostgreSQL lost commits that it had confirmed: its log is older than what was sent."""


class HttpError(LoadBalancerError):
    """A request over HTTP got no whole answer; the text says why."""


class NotListeningError(HttpError):
    """No connection can be made, and that was told at once: nothing was sent."""


class UnansweredError(HttpError):
    """The connection ended before the first byte of an answer: the request may have arrived."""


class AnswerTooLongError(HttpError):
    """The answer is longer than what is held in memory; the server is well."""


class InstanceError(LoadBalancerError):
    """An instance gave no definite answer: whether a write was applied there is not known."""

    def __init__(self, instance: str, cause: str) -> None:
        super().__init__(f"{instance}: {cause}")
        self.instance = instance
        self.cause = cause


class InstanceUnreachableError(InstanceError):
    """The connection could not be made, or broke: the instance is suspect until it is probed."""


class NobodyListensError(InstanceUnreachableError):
    """The instance's address refuses connections, so that one probe is proof enough."""


class RequestGivenUpError(InstanceUnreachableError):
    """A silent write was reset, because new connections were answered: it may still arrive."""


class LeadUnconfirmedError(InstanceError):
    """Another load balancer may be active: the write was not sent."""


class ServerFailedError(InstanceError):
    """An instance answered a write with a 5xx of its own: the write may be what breaks it."""


class BrokenMappingError(InstanceError):
    """An instance does not know a collection that the catalogue says it holds."""


class CopyAbandonedError(LoadBalancerError):
    """A copy between instances cannot be finished as it was begun; the text says why."""


class ForeignCollectionError(InstanceError):
    """A collection of this name, with documents, exists on an instance and is not ours."""


class RequestError(LoadBalancerError):
    """A client's request cannot be served; `code` is what Chroma would call the error."""

    code = "InternalError"


class BadRequestError(RequestError):
    """The request is malformed."""

    code = "InvalidArgumentError"


class UnauthorizedError(RequestError):
    """The request carries no valid token."""

    code = "AuthError"


class ForbiddenError(RequestError):
    """Whoever asks is known, or comes from where nobody may ask."""

    code = "ForbiddenError"


class ProtectedCollectionError(RequestError):
    """The request would remove or rename a protected collection."""

    code = "ProtectedCollectionError"


class NotFoundError(RequestError):
    """The thing that the path names does not exist."""

    code = "NotFoundError"


class MethodNotAllowedError(RequestError):
    """The path exists, but not for this method."""

    code = "MethodNotAllowed"


class ConflictError(RequestError):
    """The name is taken. Chroma calls this error by its generic name."""

    code = "ChromaError"


class OldApiError(RequestError):
    """The path belongs to Chroma's first API. Chroma calls this error by this name."""

    code = "Unimplemented"


class PayloadTooLargeError(RequestError):
    """The body is longer than Chroma accepts."""

    code = "PayloadTooLarge"


class BodyTimeoutError(RequestError):
    """The body did not come in time: nothing was done."""

    code = "RequestTimeout"


class OverloadedError(RequestError):
    """There was no memory for the body in time: nothing was read of it, and nothing done."""

    code = "Overloaded"


class TransactionReusedError(RequestError):
    """The transaction id belongs to a different request."""

    code = "TransactionReused"


class NotQuarantinedError(RequestError):
    """The transaction is known, but it is not in quarantine, or no longer."""

    code = "NotQuarantined"


class UnsupportedError(RequestError):
    """An operation that Chroma has, but that the load balancer does not replicate."""

    code = "Unimplemented"


class BadGatewayError(RequestError):
    """Every instance failed to answer this read, although the instances are alive."""

    code = "BadGateway"


class UnintelligibleAnswerError(RequestError):
    """An instance answered something that is not Chroma's API."""

    code = "BadGateway"


class LogUnavailableError(RequestError):
    """PostgreSQL could not commit the write: it has no effect anywhere."""

    code = "LogUnavailable"


class LogFullError(RequestError):
    """No instance has taken writes for so long that the log takes no more: it has no effect."""

    code = "LogFull"


class LogMismatchError(RequestError):
    """The log is not the one that the instances were written from: nothing was done."""

    code = "LogMismatch"


class TakeOverRefusedError(RequestError):
    """An empty log cannot take over what the instances hold; the text says why."""

    code = "TakeOverRefused"


class InDoubtError(RequestError):
    """The write is in the log, or may be, without an outcome yet; the log will settle it."""

    code = "InDoubt"


class NoInstanceError(RequestError):
    """No instance could answer in time."""

    code = "NoInstanceAvailable"


class StandingByError(RequestError):
    """The lock is held elsewhere: another load balancer is active."""

    code = "StandingBy"


class TooManyWatchersError(RequestError):
    """As many watch the live page as may, or it is shutting down."""

    code = "TooManyWatchers"


HTTP_STATUS: dict[type[RequestError], int] = {
    BadRequestError: 400,
    UnauthorizedError: 401,
    ForbiddenError: 403,
    ProtectedCollectionError: 403,
    NotFoundError: 404,
    MethodNotAllowedError: 405,
    BodyTimeoutError: 408,
    ConflictError: 409,
    OldApiError: 410,
    PayloadTooLargeError: 413,
    NotQuarantinedError: 409,
    TakeOverRefusedError: 409,
    TransactionReusedError: 422,
    UnsupportedError: 501,
    BadGatewayError: 502,
    UnintelligibleAnswerError: 502,
    LogUnavailableError: 503,
    LogFullError: 503,
    LogMismatchError: 503,
    OverloadedError: 503,
    InDoubtError: 503,
    NoInstanceError: 503,
    StandingByError: 503,
    TooManyWatchersError: 503,
}
"""One row for each class that a client can meet; 503 is answered with `Retry-After`."""
