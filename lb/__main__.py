"""`python -m lb` is `chroma-lb`."""

from lb.cli import main

main()
