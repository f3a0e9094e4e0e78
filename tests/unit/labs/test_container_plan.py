from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.labs.containers.compose_file import Service
from harness.labs.containers.plan import ContainerPlan, Mount

SERVICE = Service(
    name="toxiproxy",
    image="toxiproxy:2",
    command=("-host=0.0.0.0",),
    networks={"link": ("toxiproxy.internal",), "outside": ()},
    configs={"proxies": "/proxies.json"},
    volumes={"data": "/data"},
    is_read_only=True,
    memory_bytes=1 << 20,
    cap_drop=("ALL",),
)
PLAN = ContainerPlan.of(
    SERVICE, "toxiproxy", lambda what: f"run-7-{what}", {"proxies": "[]"}, SERVICE.networks
)


def test_names_are_those_of_the_run_and_files_have_their_contents() -> None:
    assert PLAN.name == "run-7-toxiproxy"
    assert PLAN.volumes == {"run-7-data": "/data"}
    assert PLAN.files == {"/proxies.json": "[]"}


def test_a_server_is_known_by_its_name_on_every_network() -> None:
    assert PLAN.networks == {
        "run-7-link": ("toxiproxy", "toxiproxy.internal"),
        "run-7-outside": ("toxiproxy",),
    }
    assert PLAN.further_networks == ("run-7-outside",)


def test_the_engine_is_told_the_address_that_a_server_keeps_in_its_first_network() -> None:
    def endpoints(plan: ContainerPlan) -> dict[str, Any]:
        return plan.configuration({})["NetworkingConfig"]["EndpointsConfig"]

    fixed = replace(PLAN, addresses={"run-7-link": "192.0.2.254"})
    assert endpoints(fixed)["run-7-link"]["IPAMConfig"] == {"IPv4Address": "192.0.2.254"}
    assert "IPAMConfig" not in endpoints(PLAN)["run-7-link"]


def test_the_engine_is_told_the_limits_and_the_environment() -> None:
    said = PLAN.configuration({"A": "1"})
    assert said["Env"] == ["A=1"]
    assert said["Cmd"] == ["-host=0.0.0.0"]
    host = said["HostConfig"]
    assert (host["Memory"], host["MemorySwap"]) == (1 << 20, 1 << 20)
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]


def test_without_a_command_a_user_or_a_limit_the_images_own_hold() -> None:
    said = ContainerPlan("lb", "run-7-lb", "lb", networks={"run-7-link": ()}).configuration({})
    assert not {"Cmd", "User"} & said.keys()
    assert "Memory" not in said["HostConfig"]


def test_ports_are_published_on_the_loopback_address_alone() -> None:
    plan = ContainerPlan("lb", "run-7-lb", "lb", networks={"run-7-link": ()}, ports={8000: 4711})
    bindings = plan.configuration({})["HostConfig"]["PortBindings"]
    assert bindings == {"8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "4711"}]}


def test_directories_of_this_machine_are_mounted_as_is_said() -> None:
    mounts = (Mount(Path("/here"), "/there", is_read_only=True), Mount(Path("/disk"), "/data"))
    plan = ContainerPlan("lb", "run-7-lb", "lb", networks={"run-7-link": ()}, mounts=mounts)
    mounted = plan.configuration({})["HostConfig"]["Mounts"]
    told = [(each["Source"], each["Target"], each["ReadOnly"]) for each in mounted]
    assert told == [("/here", "/there", True), ("/disk", "/data", False)]
