"""All runs under one directory as pages for a browser: reports, comparisons, trends."""
