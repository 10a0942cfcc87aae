"""How Sphinx makes the site: `make docs`."""

import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent / "scripts")]

import headerdoc  # noqa: E402

project = "libkaleidoscope"
author = "The libkaleidoscope contributors"
copyright = "2026, the libkaleidoscope contributors"
version = release = headerdoc.version((HERE.parent / "include/kaleidoscope.h").read_text(encoding="utf-8"))

extensions = ["myst_parser", "header"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
highlight_language = "none"
nitpick_ignore_regex = [("c:identifier", r"(u?int\d+_t|size_t|va_list)")]
# A signature that is longer has a parameter a line.
maximum_signature_line_length = 76

html_theme = "furo"
html_title = f"libkaleidoscope {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = True
html_domain_indices = False
# Summaries of search results are fetched, which browsers refuse to pages of the file system.
html_show_search_summary = False
