import os

import pytest
from click.testing import CliRunner

from lb.cli import main, settings_help
from lb.config import Settings, load_settings
from lb.errors import ConfigurationError

RIGHT = {
    "PRIMARY_URL": "http://127.0.0.1:8001",
    "REPLICA_URL": "http://127.0.0.1:8002",
    "DATABASE_URL": "postgresql://user@127.0.0.1:5432/lb",
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start every test from a right environment, whatever the machine's is."""
    for variable in set(os.environ) & {field.upper() for field in Settings.model_fields}:
        monkeypatch.delenv(variable)
    for variable, value in RIGHT.items():
        monkeypatch.setenv(variable, value)


def test_three_urls_are_enough() -> None:
    assert load_settings().instance_urls == {
        "primary": "http://127.0.0.1:8001",
        "replica": "http://127.0.0.1:8002",
    }


def test_a_host_and_port_as_platforms_tell_it_is_taken_as_http(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRIMARY_URL", "chroma-1-x7ab:8000")
    monkeypatch.setenv("REPLICA_URLS", "chroma-2-y8bc:8000,[::1]:8001")
    assert load_settings().instance_urls == {
        "primary": "http://chroma-1-x7ab:8000",
        "replica": "http://chroma-2-y8bc:8000",
        "replica-2": "http://[::1]:8001",
    }


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PRIMARY_URL", "127.0.0.1"),
        ("PRIMARY_URL", "chroma-1:port"),
        ("PRIMARY_URL", "ftp://127.0.0.1"),
        ("PRIMARY_URL", "http://"),
        ("PRIMARY_URL", "http://127.0.0.1:8001/api/v2"),
        ("PRIMARY_URL", "http://[::1"),
        ("PRIMARY_URL", "http://127.0.0.1:port"),
        ("PRIMARY_URL", "http://127.0.0.1:99999"),
        ("REPLICA_URL", "nonsense"),
        ("REPLICA_URLS", "http://127.0.0.1:8002,nonsense"),
        ("DATABASE_URL", "mysql://127.0.0.1/lb"),
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("WRITE_TIMEOUT_SECONDS", "0"),
        ("READ_TIMEOUT_SECONDS", "-1"),
        ("HEDGE_MAX_SECONDS", "soon"),
        ("PROBE_INTERVAL_SECONDS", "nan"),
        ("SHUTDOWN_SECONDS", "inf"),
        ("MAX_BODY_BYTES", "0"),
        ("LOG_LEVEL", "LOUD"),
        ("READ_CONSISTENCY", "weak"),
        ("RECOVERY_WEBHOOK_URL", "host/path"),
        ("ADMIN_TOKEN", "two words"),
        ("CLIENT_TOKEN", "\u00fc"),
    ],
)
def test_a_wrong_variable_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert str(caught.value).startswith(f"{variable}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("variable", ["PRIMARY_URL", "DATABASE_URL"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str | None
) -> None:
    if value is None:
        monkeypatch.delenv(variable)
    else:
        monkeypatch.setenv(variable, value)

    with pytest.raises(ConfigurationError, match=f"^{variable}: Field required$"):
        load_settings()


def test_all_wrong_variables_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "0")
    monkeypatch.setenv("PRIMARY_URL", "nonsense")

    with pytest.raises(ConfigurationError, match=r"PRIMARY_URL: .*; PORT: "):
        load_settings()


def test_the_wrong_value_is_not_repeated_because_it_may_hold_a_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://user:hunter2@127.0.0.1/lb")

    with pytest.raises(ConfigurationError) as caught:
        load_settings()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "commit"),
    [
        ({}, ""),
        ({"COMMIT": "built"}, "built"),
        ({"RENDER_GIT_COMMIT": "rendered"}, "rendered"),
        ({"COMMIT": "", "RENDER_GIT_COMMIT": "rendered"}, "rendered"),
        ({"COMMIT": "built", "RENDER_GIT_COMMIT": "rendered"}, "built"),
    ],
)
def test_the_commit_is_the_one_of_the_image_or_the_platforms(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], commit: str
) -> None:
    monkeypatch.delenv("RENDER_GIT_COMMIT", raising=False)
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)

    assert load_settings().commit == commit


def test_replica_urls_wins_over_replica_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPLICA_URLS", "http://127.0.0.1:9001/ , http://127.0.0.1:9002,")

    assert load_settings().instance_urls == {
        "primary": "http://127.0.0.1:8001",
        "replica": "http://127.0.0.1:9001",
        "replica-2": "http://127.0.0.1:9002",
    }


@pytest.mark.parametrize("value", ["", ",", " , "])
def test_one_server_is_not_enough(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.delenv("REPLICA_URL")
    monkeypatch.setenv("REPLICA_URLS", value)

    with pytest.raises(ConfigurationError, match=r"^REPLICA_URL.*two servers are needed"):
        load_settings()


@pytest.mark.parametrize(
    "same",
    [
        "http://127.0.0.1:8001",
        "http://127.0.0.1:8001/",
    ],
)
def test_one_server_under_two_names_is_refused(monkeypatch: pytest.MonkeyPatch, same: str) -> None:
    monkeypatch.setenv("REPLICA_URL", same)

    with pytest.raises(ConfigurationError, match=r"^REPLICA_URL.*URL of its own"):
        load_settings()


@pytest.mark.parametrize(
    ("primary", "replica"),
    [("http://chroma:8000", "http://Chroma:8000"), ("http://chroma", "http://chroma:80")],
)
def test_another_spelling_of_one_url_is_the_same_server(
    monkeypatch: pytest.MonkeyPatch, primary: str, replica: str
) -> None:
    monkeypatch.setenv("PRIMARY_URL", primary)
    monkeypatch.setenv("REPLICA_URL", replica)

    with pytest.raises(ConfigurationError, match=r"^REPLICA_URL.*URL of its own"):
        load_settings()


def test_protected_names_are_split_at_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().protected_names == {"global"}

    monkeypatch.setenv("PROTECTED_COLLECTIONS", "global, production ,")

    assert load_settings().protected_names == {"global", "production"}


def test_the_help_describes_every_variable_and_its_default() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output

    for field, described in Settings.model_fields.items():
        assert f"\n  {field.upper()}\n" in f"\n{settings_help()}"
        assert field.upper() in shown
        assert described.description
        assert described.description in settings_help()


def test_wrong_settings_end_the_command_with_status_2(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")

    result = CliRunner().invoke(main, [])

    assert result.exit_code == 2
    assert result.stderr.startswith("chroma-lb: PORT: ")
    assert result.stderr.count("\n") == 1


def test_tokens_are_not_shown_with_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADMIN_TOKEN", "hush-1")
    monkeypatch.setenv("CLIENT_TOKEN", "hush-2")

    settings = load_settings()

    assert (settings.admin_token, settings.client_token) == ("hush-1", "hush-2")
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"FAILPOINTS": "before-ack=crash"}, "FAILPOINTS: refused unless FAILPOINTS_ENABLED"),
        ({"FAILPOINTS_ENABLED": "true", "PRODUCTION": "true"}, "FAILPOINTS_ENABLED: refused"),
        (
            {"FAILPOINTS": "before-ack=crash", "FAILPOINTS_ENABLED": "1", "PRODUCTION": "1"},
            "FAILPOINTS_ENABLED: refused where PRODUCTION is true",
        ),
        ({"FAILPOINTS": "nowhere=crash", "FAILPOINTS_ENABLED": "true"}, "FAILPOINTS: nowhere="),
    ],
)
def test_failpoints_are_refused_unless_the_start_is_meant_for_them(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], named: str
) -> None:
    for variable, value in variables.items():
        monkeypatch.setenv(variable, value)

    result = CliRunner().invoke(main, [])

    assert result.exit_code == 2
    assert result.stderr.startswith(f"chroma-lb: {named}")
    assert result.stderr.count("\n") == 1
