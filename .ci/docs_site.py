"""Hooks of mkdocs for `make docs-site`: the site contains mermaid, and no page loads anything from elsewhere."""

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import Abort
from mkdocs.structure.files import File, Files

MERMAID = Path(__file__).parents[1] / ".venv.docs" / "mermaid.min.js"
LOADED = re.compile(
    r"""<(?:script|img|iframe|source|video|audio)\b[^>]*?\bsrc\s*=\s*["']?(?:https?:)?//[^"'\s>]+"""
    r"""|<link\b(?![^>]*rel=["']?canonical)[^>]*?\bhref\s*=\s*["']?(?:https?:)?//[^"'\s>]+"""
    r"""|(?:@import|url\()\s*["']?(?:https?:)?//[^"'\s)]+"""
)


def on_files(files: Files, config: Any) -> Files:
    """Add the library that draws the pictures to the files of the site."""
    if not MERMAID.exists():
        raise Abort(f"{MERMAID.name} is missing: build the site with `make docs-site`")
    drawn = File.generated(config, "assets/mermaid.min.js", abs_src_path=str(MERMAID))
    files.append(drawn)
    return files


def on_post_build(config: Any) -> None:
    """Check every page and style sheet: everything that a browser would load must be in the site."""
    site = Path(config.site_dir)
    pages = sorted([*site.rglob("*.html"), *site.rglob("*.css")])
    found = [f"{page.relative_to(site)}: {part}" for page in pages for part in LOADED.findall(page.read_text("utf-8"))]
    if found:
        raise Abort("these would be loaded from elsewhere:\n" + "\n".join(found))
