from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.labs.processes import ProcessLab
from harness.labs.remote import RemoteLab
from harness.runner.guest import guest_of
from harness.runner.lab_choice import LabOptions, decided, make_lab

URLS = LabOptions(
    lb_url="https://lb.example.com/",
    primary_url="https://chroma-1.example.com",
    replica_urls=("https://chroma-2.example.com", "https://chroma-3.example.com"),
    protected=("customers",),
    client_token="for-clients",
    admin_token="for-admins",
)


def test_without_a_word_a_lab_of_processes_is_started(tmp_path: Path) -> None:
    assert isinstance(make_lab(decided(LabOptions()), tmp_path), ProcessLab)


def test_urls_mean_a_system_that_runs_already(tmp_path: Path) -> None:
    lab = make_lab(decided(URLS), tmp_path)
    assert isinstance(lab, RemoteLab)
    assert lab.lb_url == "https://lb.example.com"
    assert lab.targets == ("primary", "replica", "replica-2", "lb")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (LabOptions(lab="moon"), "the labs are processes, compose, remote"),
        (LabOptions(lab="remote"), "--lb-url, --primary-url, --replica-url is missing"),
        (replace(URLS, primary_url=None), "--primary-url is missing"),
        (replace(URLS, replica_urls=()), "--replica-url is missing"),
        (replace(URLS, lb_command="python -m my_lb"), "runs already"),
        (replace(URLS, lab="processes"), "--lb-url, --primary-url, --replica-url: a lab of pro"),
        (LabOptions(lab="compose", lb_command="python -m my_lb"), "takes an image, by --lb-image"),
        (LabOptions(lb_image="my-lb"), "say --lab compose with it"),
        (replace(URLS, lab="compose"), "a lab of compose has addresses of its own"),
        (LabOptions(primary_url="http://x"), "say --lab remote with all of"),
        (replace(URLS, primary_url="chroma-1.example.com"), "--primary-url 'chroma-1.example.com'"),
    ],
)
def test_what_contradicts_is_refused_with_what_to_say_instead(
    options: LabOptions, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        decided(options)


def test_one_address_for_two_servers_is_refused(tmp_path: Path) -> None:
    same = replace(URLS, replica_urls=("https://chroma-1.example.com/",))
    with pytest.raises(UsageError, match="must all be different"):
        make_lab(decided(same), tmp_path)


def test_the_words_repeat_the_choice_and_no_secret_is_written_anywhere() -> None:
    options = decided(URLS)
    assert " ".join(options.words) == (
        "--lb-url https://lb.example.com/ --primary-url https://chroma-1.example.com "
        "--replica-url https://chroma-2.example.com --replica-url https://chroma-3.example.com "
        "--protect customers"
    )
    for written in (repr(options), str(options.words), str(options.configuration)):
        assert "for-" not in written


def test_collections_in_a_system_that_others_use_have_names_of_their_own(tmp_path: Path) -> None:
    first, second = (guest_of(make_lab(decided(URLS), tmp_path), 7) for _ in range(2))
    assert first.prefix != second.prefix
    assert first.prefix.startswith("AUTOTEST_7_")
    assert first.protected == {"customers"}
    assert "for-" not in repr(first)
