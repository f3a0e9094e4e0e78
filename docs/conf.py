"""The site: what Sphinx is told. The order of the pages is in index.md; `make docs` builds it.

Nothing is loaded from elsewhere, neither while it is built nor when it is read.
"""

project = "chroma-chaos"
author = "the authors of chroma-chaos"
copyright = "2026, " + author  # noqa: A001 (Sphinx names it so)

extensions = ["myst_parser"]
exclude_patterns = ["examples"]
html_theme = "furo"
html_title = project
html_show_sphinx = False
html_copy_source = False
html_theme_options: dict[str, object] = {"footer_icons": []}

# Every heading can be linked to, by the names that GitHub gives.
myst_heading_anchors = 4
myst_links_external_new_tab = False
nitpicky = True

# Tables of figures are wide, and a command is for a shell, not for a typesetter.
smartquotes = False
