"""The configuration of Sphinx for the site. `make site` runs Sphinx on the files that stage.py writes."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

project = "Hightouch SDK"
version = release = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
project_copyright = "the authors of hightouch-sdk"
# Pygments does not know all of Swift. A block that Pygments cannot read is shown without colours.
suppress_warnings = ["misc.highlighting_failure"]
extensions = ["myst_parser", "sphinx_design", "sphinx_copybutton"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
nitpicky = True

html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = html_copy_source = False
html_theme_options = {
    "footer_content_items": ["copyright.html"],
    "navbar_persistent": [],
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_source_button": False,
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

# `make site-links` asks the server of each external link for its page, and again after a failure. Pages of GitHub
# create their anchors in the browser, so no answer contains them.
linkcheck_anchors_ignore_for_url = [r"https://github\.com/.*"]
# The site of npm refuses every program that is not a browser.
linkcheck_ignore = [r"https://www\.npmjs\.com/.*"]
linkcheck_timeout = 30
linkcheck_retries = 2
linkcheck_report_timeouts_as_broken = True
