"""Break a replicated service on purpose, record what every client saw, and judge what survived."""
