"""The report of a run as one page: what is shown, how it is drawn, and the history itself."""
