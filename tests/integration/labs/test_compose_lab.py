"""What holds for labs of containers alone."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import httpx
import pytest

from harness.errors import LabError, UnsupportedFaultError, UsageError
from harness.faults.base import refuse_unsupported
from harness.faults.registry import fault_named
from harness.http_proxy.rules import Hold, Rule, What
from harness.labs.base import Capability, Need
from harness.labs.compose import ComposeLab, ComposeLabSettings
from harness.labs.readiness import answers_ok
from harness.polling import poll_until
from tests.integration.labs.containers import needs_containers, run_of, things_of

pytestmark = [pytest.mark.real, needs_containers]

START_LIMIT_SECONDS = 15.0
FORWARDING_LB = Path(__file__).with_name("forwarding_lb.py")
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[Callable[..., ComposeLab]]:
    """Make labs that are stopped when the test ends."""
    labs: list[ComposeLab] = []

    def make(name: str = "run", **settings: object) -> ComposeLab:
        labs.append(ComposeLab(ComposeLabSettings(tmp_path / name, **settings)))
        return labs[-1]

    yield make
    for lab in labs:
        asyncio.run(lab.stop())


@pytest.fixture(scope="module")
def running_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposeLab]:
    """Share one lab that can intercept and disconnect; a test leaves every server of it alive."""
    needs = {Need(Capability.INTERCEPT, name) for name in ("primary", "replica")}
    needs.add(Need(Capability.DISCONNECT, "primary"))
    lab = ComposeLab(
        ComposeLabSettings(tmp_path_factory.mktemp("shared") / "run", needs=frozenset(needs))
    )
    try:
        asyncio.run(lab.start())
        yield lab
    finally:
        asyncio.run(lab.stop())


def run_id(lab: ComposeLab) -> str:
    return run_of((lab.run_directory / "data").readlink().name)


def inspected(lab: ComposeLab, server: str) -> dict:
    client = docker.APIClient(version="auto")
    try:
        return client.inspect_container(f"chroma-chaos-{run_id(lab)}-{server}")
    finally:
        client.close()


def link(lab: ComposeLab, server: str) -> dict | None:
    """What the engine says of a server on its link to Toxiproxy."""
    networks = inspected(lab, server)["NetworkSettings"]["Networks"]
    return networks.get(f"chroma-chaos-{run_id(lab)}-{server}-link")


@pytest.mark.alone
async def test_a_warm_start_takes_at_most_fifteen_seconds(make_lab) -> None:
    lab = make_lab()
    await lab.start()
    assert lab.startup_seconds["all healthy"] <= START_LIMIT_SECONDS, lab.startup_seconds


async def test_the_load_balancer_has_the_limits_of_compose_yaml(running_lab: ComposeLab) -> None:
    said = inspected(running_lab, "lb")
    assert said["HostConfig"]["Memory"] == said["HostConfig"]["MemorySwap"] == 400 << 20
    assert said["HostConfig"]["ReadonlyRootfs"]
    assert said["HostConfig"]["CapDrop"] == ["ALL"]
    assert said["Config"]["User"] not in ("", "root", "0")


async def test_every_port_is_published_on_the_loopback_address_only(
    running_lab: ComposeLab,
) -> None:
    published = [
        binding["HostIp"]
        for server in running_lab.targets
        for bindings in inspected(running_lab, server)["HostConfig"]["PortBindings"].values()
        for binding in bindings
    ]
    assert published == ["127.0.0.1"] * len(running_lab.targets)


async def test_all_that_is_made_bears_the_run_and_who_made_it(running_lab: ComposeLab) -> None:
    things = things_of(run_id(running_lab))
    assert len(things) > len(running_lab.targets)
    assert all(name.strip("/").startswith(f"chroma-chaos-{run_id(running_lab)}") for name in things)
    labels = inspected(running_lab, "postgres")["Config"]["Labels"]
    assert {"chroma-chaos.run", "chroma-chaos.pid", "chroma-chaos.started"} <= labels.keys()


async def test_versions_name_the_engine_and_each_image_with_its_id(
    running_lab: ComposeLab,
) -> None:
    versions = running_lab.versions
    assert set(running_lab.targets) < versions.keys()
    assert versions["docker"][0].isdigit()
    assert all("(sha256:" in versions[target] for target in running_lab.targets)


async def test_requests_to_instances_come_by_the_http_proxy(running_lab: ComposeLab) -> None:
    rule = Rule(name="count creates", what=What.CREATE, deed=Hold(0.0))
    proxy = running_lab.interceptor()
    await proxy.intercept("primary", rule)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(running_lab.lb_url + COLLECTIONS, json={"name": "counted"})
    assert answer.is_success
    assert (await proxy.tally("primary", rule.name)).taken == 1
    await proxy.lift("primary", rule.name)


async def test_a_server_comes_back_to_its_network_as_it_was_and_connections_go_on(
    running_lab: ComposeLab,
) -> None:
    before = link(running_lab, "primary")
    assert "primary.internal" in before["Aliases"]
    url = running_lab.proxied_urls()["primary"]
    async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30.0) as client:
        assert (await client.get("/api/v2/heartbeat")).is_success
        await running_lab.disconnect("primary")
        assert link(running_lab, "primary") is None
        asked = asyncio.create_task(client.get("/api/v2/heartbeat"))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(asked), 0.5)
        await running_lab.reconnect("primary")
        assert (await asked).is_success, "its one connection, opened before"
    after = link(running_lab, "primary")
    assert [after[name] for name in ("IPAddress", "Aliases")] == [
        before[name] for name in ("IPAddress", "Aliases")
    ]


async def test_a_limit_of_cpu_time_is_taken_back_for_good(running_lab: ComposeLab) -> None:
    await running_lab.limit_cpu("replica", 25)
    assert inspected(running_lab, "replica")["HostConfig"]["CpuQuota"] == 25_000
    await running_lab.free_cpu("replica")
    await running_lab.restart("replica")
    assert inspected(running_lab, "replica")["HostConfig"]["CpuQuota"] <= 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("clock-shift primary", "a container has the clock of its machine"),
        ("cut lb", "no proxy before lb; there is one before"),
        ("rolling-deploy lb", "was not started for double-lb of lb"),
        ("disconnect replica", "was not started for disconnect of replica"),
        ("disconnect lb", "have a link of their own to Toxiproxy"),
        ("disk-full postgres", "only Chroma servers can have a disk of their own"),
    ],
)
async def test_what_it_cannot_do_is_refused_with_the_reason(
    running_lab: ComposeLab, words: str, told: str
) -> None:
    with pytest.raises(UnsupportedFaultError, match=told):
        refuse_unsupported(fault_named(words), running_lab)


async def test_two_labs_side_by_side_do_not_touch_each_other(
    make_lab, running_lab: ComposeLab
) -> None:
    other = make_lab()
    await other.start()
    assert not set(other.urls().values()) & set(running_lab.urls().values())
    assert not set(things_of(run_id(other))) & set(things_of(run_id(running_lab)))
    await other.kill("primary")
    await other.stop()
    assert all(running_lab.is_alive(target) for target in running_lab.targets)


async def test_a_third_instance_gets_what_is_written_and_can_be_taken_off_its_network(
    make_lab,
) -> None:
    lab = make_lab(instance_count=3, needs=frozenset({Need(Capability.DISCONNECT, "replica-2")}))
    await lab.start()
    assert [instance.name for instance in lab.instances] == ["primary", "replica", "replica-2"]
    fault = fault_named("disconnect replica-2")
    await fault.inject(lab)
    await fault.prove_effect(lab)
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.post(lab.lb_url + COLLECTIONS, json={"name": "threefold"})
        await fault.heal(lab)
        await fault.prove_healed(lab)

        async def is_everywhere() -> bool:
            urls = (instance.url + COLLECTIONS + "/threefold" for instance in lab.instances)
            return all([await answers_ok(client, url) for url in urls])

        await poll_until(is_everywhere, 30.0, lambda: LabError("an instance lacks it"))


@pytest.mark.parametrize("instances", [1, 4])
def test_there_are_two_instances_or_three(make_lab, instances: int) -> None:
    with pytest.raises(UsageError, match=f"has 2 or 3 instances.*; not {instances}"):
        make_lab(instance_count=instances)


async def test_stop_leaves_the_logs_and_nothing_else(make_lab) -> None:
    lab = make_lab()
    await lab.start()
    run = run_id(lab)
    assert things_of(run)
    await lab.stop()
    assert things_of(run) == []
    assert [path.name for path in lab.run_directory.iterdir()] == ["logs"]
    assert all(lab.log_path(target).is_file() for target in lab.targets)
    assert "database system is ready" in lab.log_path("postgres").read_text()
    await lab.stop()


async def test_an_image_that_is_nowhere_is_named_with_what_to_do(make_lab, monkeypatch) -> None:
    monkeypatch.setenv("CHROMA_IMAGE", "chroma-chaos/nobody-built-this:1")
    lab = make_lab()
    with pytest.raises(LabError, match=r"nobody-built-this.*make lab-images-offline") as caught:
        await lab.start()
    assert "\n" not in str(caught.value)


async def test_a_load_balancer_that_dies_at_start_is_named_with_its_last_words(make_lab) -> None:
    lab = make_lab(lb_environment={"LOG_MAX_ENTRIES": "many"})
    with pytest.raises(LabError, match="lb ended at start with exit code") as caught:
        await lab.start()
    assert "LOG_MAX_ENTRIES" in str(caught.value).upper()
    assert not (lab.run_directory / "data").exists()


async def test_another_load_balancer_is_any_image_that_reads_its_environment(
    make_lab, running_lab: ComposeLab, tmp_path: Path
) -> None:
    """Ours has the libraries that the stand-in needs."""
    own = inspected(running_lab, "lb")["Config"]["Image"]
    tag = f"chroma-chaos-test-forwarding:{run_id(running_lab)}"
    (tmp_path / "Dockerfile").write_text(
        f'FROM {own}\nCOPY lb.py /opt/lb.py\nENV HOST=0.0.0.0\nCMD ["python", "/opt/lb.py"]\n'
    )
    (tmp_path / "lb.py").write_text(FORWARDING_LB.read_text())
    client = docker.APIClient(version="auto")
    try:
        said = b"".join(client.build(str(tmp_path), tag=tag, rm=True, forcerm=True)).splitlines()
        assert not [line for line in said if "error" in json.loads(line)]
        lab = make_lab(lb_image=tag)
        await lab.start()
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(lab.lb_url + "/api/v2/heartbeat")
        assert answer.is_success
        assert tag in lab.versions["lb"]
        assert "only our own" in lab.why_not(Need(Capability.FAILPOINT, "lb"))
        await lab.stop()
    finally:
        client.remove_image(tag, force=True)
        client.close()
