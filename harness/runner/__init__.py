"""Conducts one run: steady state, phases and faults, quiescence, final reads, verdicts."""
