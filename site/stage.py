"""Converts the pages of the repository for Sphinx, and writes them to an empty folder: `stage.py FOLDER HTML [all]`.

In the repository, the pages are plain Markdown that a code host shows. On the site, links lead to pages of the site,
and an example in several languages becomes tabs. A paragraph that is only a link to a file of examples/ becomes the
content of this file. The program also copies the built references to the folder HTML. With `all`, it fails if one is
missing. `make site` then runs Sphinx on FOLDER, and Sphinx writes to HTML.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# The folders of the references, as docs/reference.md names them, and the start page of each in the site.
REFERENCES = {
    "build/python/docs": "python/index.html",
    "build/node/docs": "node/index.html",
    # The program of DocC finds its page by the address, which must not name the file index.html.
    "build/docs/swift/HightouchSDK.doccarchive": "swift/documentation/hightouchsdk/",
    "target/doc": "rust/hightouch_sdk/index.html",
}
LANGUAGES = {"python": "Python", "js": "Node.js", "ts": "Node.js", "swift": "Swift", "rust": "Rust"}
FENCE = re.compile(r"^```(\w*)\n.*?^```$\n?", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[((?:[^\]`]|`[^`]*`)*)\]\(([^)\s]+)\)")
ALONE = re.compile(r"^\[[^\]]+\]\(([^)\s#]*examples/[^)\s]+)\)$", re.MULTILINE)


def name(page: str) -> str:
    """Returns the path of a page in the site, without an ending: `docs/runs.md` becomes `runs`."""
    path = page.removesuffix(".md").removeprefix("docs/")
    if path == "README":
        return "index"
    if path.endswith("/README"):
        # tests/sandbox/README.md becomes `sandbox`, and docs/decisions/README.md becomes `decisions/index`.
        folder = path.removesuffix("/README")
        return folder.removeprefix("tests/") if folder.startswith("tests/") else f"{folder}/index"
    return path.lower()


def navigation() -> list[tuple[str, list[str]]]:
    sections = tomllib.loads((ROOT / "site/navigation.toml").read_text())["section"]
    return [(section["title"], section["pages"]) for section in sections]


def pages() -> dict[str, str]:
    """Returns the paths of all pages in the site, by their paths in the repository."""
    listed = [page for _, section in navigation() for page in section]
    found = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("docs/**/*.md"))]
    return {page: name(page) for page in ["README.md", *listed, *found]}


def included(page: str, target: str, out: Path) -> str:
    """Returns a file of examples/ as a block of code; a notebook as its cells."""
    file = (ROOT / page).parent.joinpath(target).resolve()
    title = file.relative_to(ROOT)
    if file.suffix == ".ipynb":
        cells = json.loads(file.read_text())["cells"]
        shown = [
            "".join(c["source"]) if c["cell_type"] == "markdown" else f"```python\n{''.join(c['source'])}\n```"
            for c in cells
        ]
        return "\n\n".join([f"*{title}*", *shown])
    language = {".mjs": "js", ".yml": "yaml", ".py": "python", ".rs": "rust"}[file.suffix]
    where = os.path.relpath(file, out.parent)
    return f"```{{literalinclude}} {where}\n:language: {language}\n:caption: {title}\n```"


def linked(prose: str, page: str, known: dict[str, str], out: Path) -> str:
    """Makes links lead to pages of the site. A link to any other file becomes text, as the site lacks the file."""
    here = Path(known[page])

    def one(found: re.Match[str]) -> str:
        text, target = found.groups()
        path, hash_, anchor = target.partition("#")
        if "://" in target or not path:
            return found[0]
        file = os.path.normpath(Path(page).parent / path)
        if not (ROOT / file).exists():
            sys.exit(f"{page}: the link {target} leads nowhere")
        if file not in known:
            return text
        return f"[{text}]({os.path.relpath(known[file] + '.md', here.parent)}{hash_}{anchor})"

    prose = ALONE.sub(lambda found: included(page, found[1], out), prose)
    return LINK.sub(one, prose)


def tabs(blocks: list[re.Match[str]]) -> str:
    """Turns consecutive blocks of code into tabs if each has a different language. Leaves other blocks unchanged."""
    labels = [LANGUAGES.get(block[1]) for block in blocks]
    if len(blocks) < 2 or None in labels or len(set(labels)) < len(labels):
        return "\n".join(block[0] for block in blocks)
    items = [
        f"::::{{tab-item}} {label}\n:sync: {label}\n\n{block[0].rstrip()}\n::::\n"
        for label, block in zip(labels, blocks, strict=True)
    ]
    return ":::::{tab-set}\n:sync-group: language\n\n" + "\n".join(items) + ":::::\n"


def converted(text: str, page: str, known: dict[str, str], out: Path) -> str:
    parts: list[str] = []
    group: list[re.Match[str]] = []
    end = 0
    for block in FENCE.finditer(text):
        prose = text[end : block.start()]
        if prose.strip() and group:
            parts.append(tabs(group))
            group = []
        parts.append(linked(prose, page, known, out))
        group.append(block)
        end = block.end()
    if group:
        parts.append(tabs(group))
    return "".join([*parts, linked(text[end:], page, known, out)])


def toctrees(known: dict[str, str]) -> str:
    trees = []
    for title, section in navigation():
        listed = "\n".join(known[page] for page in section)
        trees.append(f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```\n")
    return "".join(trees)


def built(folder: str) -> Path:
    """Returns the folder of a reference. Cargo may have another target folder."""
    target = os.environ.get("CARGO_TARGET_DIR")
    return Path(target) / "doc" if folder == "target/doc" and target else ROOT / folder


def references(text: str, html: Path, required: bool) -> str:
    """Copies the built references to the site. In `text`, replaces the folder name of each reference by a link."""
    for folder, start in REFERENCES.items():
        into = html / "reference" / start.partition("/")[0]
        page = built(folder) / start.partition("/")[2]
        if page.is_file() or (page / "index.html").is_file():
            shutil.copytree(built(folder), into, dirs_exist_ok=True)
            text = text.replace(f"`{folder}`", f'<a href="reference/{start}">open</a>')
        elif required:
            sys.exit(f"{folder}: the reference is not built; `make docs` builds it")
    swift = html / "reference/swift"
    if swift.is_dir():
        # The program of DocC asks for this file, which may be left out, but then each page logs an error.
        (swift / "theme-settings.json").write_text("{}\n")
    for page in swift.rglob("*.html"):
        page.write_text(relative(page.read_text(), "../" * (len(page.relative_to(swift).parts) - 1)))
    return text


def relative(page: str, base: str) -> str:
    """Makes a page of DocC work below any path of a web server. DocC writes pages for one path, by default `/`."""
    page, bases = re.subn(r'baseUrl = "/"', f'baseUrl = new URL("{base or "./"}", location).pathname', page)
    page, files = re.subn(r'(href|src)="/', rf'\1="{base}', page)
    if bases != 1 or files == 0:
        sys.exit("DocC writes pages of another form than site/stage.py expects")
    return page


def check_kinds() -> None:
    """Fails unless docs/error-catalogue.md has one section for each kind in docs/errors.md, in the same order."""
    table = (
        (ROOT / "docs/errors.md")
        .read_text()
        .split("<!-- generated by core/codegen: kinds -->")[1]
        .split("<!-- end -->")[0]
    )
    kinds = re.findall(r"^\| `(\w+)`", table, re.MULTILINE)
    sections = re.findall(r"^## `(\w+)`$", (ROOT / "docs/error-catalogue.md").read_text(), re.MULTILINE)
    if kinds != sections:
        odd = sorted(set(kinds) ^ set(sections)) or "order"
        sys.exit(f"docs/error-catalogue.md has not one section for each kind: {odd}")


def main(folder: Path, html: Path, required: bool) -> None:
    check_kinds()
    known = pages()
    shutil.rmtree(folder, ignore_errors=True)
    for page, place in known.items():
        out = folder / f"{place}.md"
        out.parent.mkdir(parents=True, exist_ok=True)
        text = converted((ROOT / page).read_text(), page, known, out)
        if page == "README.md":
            text += toctrees(known)
        elif page == "docs/decisions/README.md":
            listed = sorted(known[p].removeprefix("decisions/") for p in known if re.match(r"docs/decisions/\d", p))
            text += "\n```{toctree}\n:hidden:\n\n" + "\n".join(listed) + "\n```\n"
        elif page == "docs/reference.md":
            text = references(text, html, required)
        out.write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:] == ["all"])
