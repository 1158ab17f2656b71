"""The documentation site: `sphinx-build docs site`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

project = "cleaner"
copyright = "the authors of article-cleaner"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
default_role = "code"
myst_heading_anchors = 3
suppress_warnings = ["myst.header"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"

html_theme = "alabaster"
html_title = "cleaner"
html_theme_options = {
    "description": "Takes the advertising and the site furniture out of news text.",
    "fixed_sidebar": True,
    "page_width": "1060px",
}
html_show_sourcelink = False
