"""Pure functions from a history and final reads to verdicts; no network, no clock."""
