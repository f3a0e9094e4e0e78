"""Settings from the environment, validated once at the start."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from lb.errors import ConfigurationError
from lb.failpoints import Failpoint, parse_failpoints

DEFAULT_PORTS = {"http": 80, "https": 443}


def _http_url(value: str) -> str:
    """Return the URL in the one spelling that tells two servers apart.

    `host:port` is taken as http: it is how platforms tell where a service of theirs is.
    """
    parts = urlsplit(value if "://" in value else f"http://{value}")
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or not plain:
        raise ValueError("must look like http://host:port")
    try:
        port = parts.port or ("://" in value and DEFAULT_PORTS[parts.scheme])
    except ValueError as error:
        raise ValueError("must end with a port from 1 to 65535") from error
    if not port:
        raise ValueError("must look like http://host:port")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}:{port}"


def _http_urls(value: str) -> str:
    return ",".join(_http_url(part.strip()) for part in value.split(",") if part.strip())


def _postgres_url(value: str) -> str:
    if urlsplit(value).scheme not in ("postgres", "postgresql"):
        raise ValueError("must look like postgresql://user:password@host:port/database")
    return value


def _any_http_url(value: str) -> str:
    parts = urlsplit(value)
    if value and (parts.scheme not in DEFAULT_PORTS or not parts.hostname):
        raise ValueError("must look like https://host/path")
    return value


def _token(value: str) -> str:
    """Refuse what no header could carry, so that a typing error locks nobody out unnoticed."""
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError("must be printable characters without spaces")
    return value


HttpUrl = Annotated[str, AfterValidator(_http_url)]
Token = Annotated[str, AfterValidator(_token)]
Seconds = Annotated[float, Field(gt=0, le=3600)]
LongSeconds = Annotated[float, Field(gt=0, le=315_360_000)]


class Settings(BaseSettings):
    """One field per environment variable; the description is what `chroma-lb --help` prints."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    primary_url: HttpUrl = Field(description="the Chroma server that is asked first")
    replica_url: Annotated[str, AfterValidator(_http_urls)] = Field(
        default="", description="the second Chroma server"
    )
    replica_urls: Annotated[str, NoDecode, AfterValidator(_http_urls)] = Field(
        default="", description="all further servers, separated by commas; wins over REPLICA_URL"
    )
    database_url: Annotated[str, AfterValidator(_postgres_url)] = Field(
        description="the PostgreSQL database that holds the log"
    )
    host: str = Field(default="127.0.0.1", description="the address to listen on")
    port: int = Field(default=8000, ge=1, le=65535, description="the port to listen on")
    write_timeout_seconds: Seconds = Field(
        default=15.0, description="how long a client waits for a write before it gets 503"
    )
    read_timeout_seconds: Seconds = Field(
        default=15.0, description="how long a client waits for a read before it gets 503"
    )
    connect_timeout_seconds: Seconds = Field(
        default=2.0, description="how long connecting to an instance may take"
    )
    probe_interval_seconds: Seconds = Field(
        default=1.0, description="time between probes of an instance that is well"
    )
    probe_timeout_seconds: Seconds = Field(
        default=1.0, description="how long an instance may take to answer a probe"
    )
    canary_interval_seconds: Seconds = Field(
        default=5.0, description="how long an instance may be idle of writes before it is tested"
    )
    late_silence_seconds: Seconds = Field(
        default=3.0, description="how long a write may be silent before its connection is doubted"
    )
    late_settle_seconds: Seconds = Field(
        default=2.0, description="how long new connections must be answered meanwhile, and after"
    )
    compare_interval_seconds: Seconds = Field(
        default=900.0, description="time between comparisons of all collections"
    )
    hedge_max_seconds: Seconds = Field(
        default=0.5, description="the longest wait before a second instance is asked as well"
    )
    log_max_entries: int = Field(
        default=100_000,
        ge=1,
        description="how many entries the log keeps for instances that are away",
    )
    log_max_bytes: int = Field(
        default=1 << 30, ge=1, description="how many bytes of bodies the log keeps for them"
    )
    log_max_age_seconds: LongSeconds = Field(
        default=86_400.0, description="how long the log keeps what an instance lacks"
    )
    log_retention_seconds: LongSeconds = Field(
        default=604_800.0, description="how long outcomes of transactions are kept"
    )
    prune_interval_seconds: Seconds = Field(
        default=10.0, description="time between removals of what the log need not keep"
    )
    postgres_timeout_seconds: Seconds = Field(
        default=5.0, description="how long PostgreSQL may take for one statement"
    )
    lead_confirm_seconds: float = Field(
        default=2.5,
        gt=0,
        le=5,
        description="how long after PostgreSQL last confirmed the lock anything is sent",
    )
    standby_hold_seconds: Seconds = Field(
        default=10.0, description="how long a request waits for a standby to become active"
    )
    take_over_on_request: bool = Field(
        default=False,
        description="whether a standby that gets requests asks the active one to let go: for "
        "platforms that send clients to the new process long before SIGTERM to the old one",
    )
    take_over_from_log: str = Field(
        default="",
        description="the id of a log that is lost: an empty one takes over what was written to "
        "instances from it, as POST /admin/log/take-over does",
    )
    shutdown_seconds: Seconds = Field(
        default=10.0, description="how long requests in flight may take after SIGTERM"
    )
    max_body_bytes: int = Field(
        default=41_943_040,
        ge=1,
        description="the longest body accepted, Chroma's own limit; beyond it 413",
    )
    body_budget_bytes: int = Field(
        default=30 << 20,
        ge=1,
        description="how many bytes of bodies may be in memory at once; others wait",
    )
    body_wait_seconds: Seconds = Field(
        default=30.0, description="how long a request waits for that memory before it gets 503"
    )
    body_queue_length: int = Field(
        default=200,
        ge=1,
        description="how many requests may wait for that memory; the next one gets 503 at once",
    )
    body_timeout_seconds: Seconds = Field(
        default=30.0, description="how long a client may take to send a body before it gets 408"
    )
    memory_limit_bytes: int = Field(
        default=400 << 20,
        ge=1,
        description="the memory that the process may use; near it, it takes on less at once. "
        "The limit of its container counts where that is lower",
    )
    protected_collections: str = Field(
        default="global", description="names that can never be deleted or renamed, by commas"
    )
    write_ack: Literal["first", "all"] = Field(
        default="first",
        description="first: the first instance answers a write; all: it waits for all healthy ones",
    )
    read_consistency: Literal["strong", "eventual"] = Field(
        default="strong", description="eventual: reads may go to an instance that is behind"
    )
    recovery_webhook_url: Annotated[str, AfterValidator(_any_http_url)] = Field(
        default="", repr=False, description="is sent a POST for each recovered transaction"
    )
    admin_token: Token = Field(
        default="",
        repr=False,
        description="needed for /admin; without it, only this machine may use that",
    )
    client_token: Token = Field(
        default="", repr=False, description="if set, needed for all else but /health"
    )
    production: bool = Field(
        default=False, description="whether this is a production system: refuses failpoints"
    )
    failpoints_enabled: bool = Field(
        default=False, description="whether FAILPOINTS may break this process, for tests"
    )
    failpoints: str = Field(
        default="",
        description="where to crash, hang, delay or fail, as after-append=crash@2;...",
    )
    commit: str = Field(
        default="",
        validation_alias=AliasChoices("commit", "render_git_commit"),
        description="the commit that this was built from, for /status; "
        "RENDER_GIT_COMMIT counts where it is not set",
    )
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="how much to log"
    )
    log_format: Literal["auto", "text", "json"] = Field(
        default="auto", description="auto: lines of JSON where PRODUCTION is true, else text"
    )
    access_log: bool = Field(default=False, description="whether to log a line for each request")

    @property
    def logs_as_json(self) -> bool:
        """Whether log lines are for machines."""
        is_automatic = self.log_format == "auto"
        return self.production if is_automatic else self.log_format == "json"

    @property
    def instance_urls(self) -> dict[str, str]:
        """Return name -> base URL in configured order: primary, replica, replica-2, ..."""
        replicas = [url for url in (self.replica_urls or self.replica_url).split(",") if url]
        named = {"primary": self.primary_url}
        for number, url in enumerate(replicas, start=1):
            named["replica" if number == 1 else f"replica-{number}"] = url
        return named

    @property
    def protected_names(self) -> frozenset[str]:
        """Return the protected collection names."""
        return frozenset(name.strip() for name in self.protected_collections.split(",") if name)

    @property
    def armed_failpoints(self) -> list[Failpoint]:
        """Return the failpoints to arm; raises `ConfigurationError` if there may be none."""
        if self.production and self.failpoints_enabled:
            raise ConfigurationError("FAILPOINTS_ENABLED: refused where PRODUCTION is true")
        if self.failpoints and not self.failpoints_enabled:
            raise ConfigurationError("FAILPOINTS: refused unless FAILPOINTS_ENABLED is true")
        return parse_failpoints(self.failpoints, frozenset(self.instance_urls))


def load_settings() -> Settings:
    """Read the environment; raises `ConfigurationError` that names every wrong variable."""
    try:
        settings = Settings()
    except ValidationError as error:
        problems = "; ".join(
            f"{str(problem['loc'][0]).upper()}: {problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
        raise ConfigurationError(problems) from error
    urls = settings.instance_urls
    if len(urls) < 2:
        raise ConfigurationError("REPLICA_URL: set it, or REPLICA_URLS: two servers are needed")
    if len(set(urls.values())) < len(urls):
        raise ConfigurationError("REPLICA_URL: every instance needs a URL of its own")
    return settings
