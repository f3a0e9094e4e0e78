"""What clients do: seeded generators of invocations."""
