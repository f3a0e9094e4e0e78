"""Starts one mutant as a load balancer: `python -m tests.mutants.launch NAME`.

It is the real one, from its real entry point, but for what the mutant replaces.
"""

import sys

from lb.cli import main as run_lb
from tests.mutants.patches import Patches
from tests.mutants.zoo import ZOO


def main(name: str) -> None:
    """Install the mutant and run the load balancer; ends the process."""
    patches = Patches()
    ZOO[name].install(patches)
    if not patches:
        raise SystemExit(f"mutant {name} replaced nothing")
    sys.argv = ["chroma-lb"]
    run_lb()


if __name__ == "__main__":
    main(sys.argv[1])
