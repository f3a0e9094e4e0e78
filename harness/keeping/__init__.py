"""Keeping labs: those that outlive the command that brought them up, for playing by hand."""
