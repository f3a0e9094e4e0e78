"""The scenarios of the use cases: what each promises, and what is done to refute it."""
