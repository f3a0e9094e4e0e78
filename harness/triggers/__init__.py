"""Events of the protocol that are seen from outside, and at whose moment a fault is injected."""
