"""Real parts: where the binaries of the lab are found on this machine, and in which version."""
