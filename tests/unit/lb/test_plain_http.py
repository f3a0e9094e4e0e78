import pytest

from lb.plain_http import MOST_BODY_BYTES, Head, answer_head, parse_head

PATH = "/api/v2/tenants/t/databases/d/collections/c/get"


def head_of(
    *lines: str, method: str = "POST", target: str = PATH, version: str = "HTTP/1.1"
) -> Head | None:
    sent = "\r\n".join((f"{method} {target} {version}", "Host: x", *lines)) + "\r\n\r\n"
    return parse_head(sent.encode("latin-1"))


def test_a_plain_head_is_taken_apart() -> None:
    found = head_of("Content-Length: 12", "Content-Type:  a/b ", target=f"{PATH}?x=1?&y=%20")

    headers = {"host": "x", "content-length": "12", "content-type": "a/b"}
    assert found == Head("POST", PATH, "x=1?&y=%20", headers, 12)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH"])
def test_a_body_may_be_left_out(method: str) -> None:
    found = head_of(method=method)

    assert found is not None
    assert (found.method, found.query, found.body_bytes) == (method, "", 0)


@pytest.mark.parametrize("line", ["Connection: Keep-Alive", "X-Empty:", "X: \x20a\tb~ \t"])
def test_what_says_nothing_new_is_plain(line: str) -> None:
    assert head_of(line) is not None


@pytest.mark.parametrize(
    "line",
    [
        "Transfer-Encoding: chunked",
        "Content-Encoding: gzip",
        "Expect: 100-continue",
        "Upgrade: websocket",
        "Trailer: X",
        "Connection: close",
        "Connection: keep-alive, close",
        "Connection:",
        "Host: y",
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length: 0x5",
        "Content-Length: 5, 5",
        "Content-Length:",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length\x00: 5",
        "Content-Length : 5",
        " Content-Length: 5",
        "X: a\r\n folded",
        "X: a\nContent-Length: 5",
        "X: a\rContent-Length: 5",
        "X: \xff",
        "X: \x00",
        "no colon",
        ": no name",
        f"Content-Length: {MOST_BODY_BYTES + 1}",
    ],
)
def test_what_could_be_understood_otherwise_is_not_plain(line: str) -> None:
    assert head_of(line) is None


@pytest.mark.parametrize(
    "target",
    [
        "/status",
        "/api/v2",
        "/api/v1/heartbeat",
        "/api/v20/x",
        "//api/v2/x",
        "http://x/api/v2/x",
        "*",
        f"{PATH}#fragment",
        f"{PATH}\\",
        f"{PATH}\xfc",
        f"{PATH} x",
        f'{PATH}"',
    ],
)
def test_another_target_is_not_plain(target: str) -> None:
    assert head_of(target=target) is None


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "CONNECT", "get", "", "PROPFIND"])
def test_another_method_is_not_plain(method: str) -> None:
    assert head_of(method=method) is None


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.2", "HTTP/2", "", "http/1.1"])
def test_another_version_is_not_plain(version: str) -> None:
    assert head_of(version=version) is None


def test_a_head_without_a_host_is_not_plain() -> None:
    assert parse_head(f"GET {PATH} HTTP/1.1\r\nX: y\r\n\r\n".encode()) is None


def test_an_answer_says_how_long_it_is() -> None:
    head = answer_head(201, {"Content-Type": "a/b", "X": "y"}, 7, 0, is_last=False).decode()

    status, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    assert status == "HTTP/1.1 201 Created"
    assert lines[:3] == ["Content-Type: a/b", "X: y", "Content-Length: 7"]
    assert lines[3] == "Date: Thu, 01 Jan 1970 00:00:00 GMT"
    assert [line.partition(":")[0] for line in lines[4:]] == ["Server"]


def test_the_last_answer_says_so() -> None:
    assert b"\r\nConnection: close\r\n" in answer_head(200, {}, 0, 0, is_last=True)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_says_no_length(status: int) -> None:
    assert b"Content-Length" not in answer_head(status, {}, 0, 0, is_last=False)


def test_a_status_that_nobody_knows_has_no_words() -> None:
    assert answer_head(299, {}, 0, 0, is_last=False).startswith(b"HTTP/1.1 299 \r\n")
