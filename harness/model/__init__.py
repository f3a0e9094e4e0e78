"""The words of a run: operations, histories, fault windows, final states, verdicts."""
