"""Owns how the kernel is told to kill a child with the process that started it."""

import functools
import shutil
import subprocess
import sys


@functools.cache
def dies_with_parent() -> tuple[str, ...]:
    """Give the prefix of a command that the kernel kills with its parent, where there is one.

    `setpriv` sets the parent-death signal and becomes the command. A function run between fork
    and exec could do it too, but is not safe in a process that has threads.
    """
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    if setpriv is None:
        return ()
    prefix = (setpriv, "--pdeathsig", "KILL")
    # BusyBox has a `setpriv` without this option.
    tried = subprocess.run([*prefix, "true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else ()
