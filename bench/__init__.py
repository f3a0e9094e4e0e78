"""Benchmarks: how fast, how small and how prompt the load balancer is, beside plain servers."""
