"""A hook of MkDocs: the site also has pages that lie outside docs/, where people look
for them in the repository.
"""

import os
import re
from pathlib import Path, PurePosixPath

from mkdocs.structure.files import File

_ROOT = Path(__file__).resolve().parent.parent
_LINK = re.compile(r"\]\(([^)#:]+)(#[^)]*)?\)")


def _pages() -> dict[str, str]:
    """{file, seen from the root: page of the site}."""
    pages = {
        "README.md": "index.md",
        "SECURITY.md": "security.md",
        "CONTRIBUTING.md": "contributing.md",
        "CHANGELOG.md": "changelog.md",
        "LICENSE": "licence.md",
    }
    for readme in sorted(_ROOT.glob("boards/*/README.md")):
        pages["boards/%s/README.md" % readme.parent.name] = "boards/%s.md" % readme.parent.name
    return pages


def on_files(files, config):
    """Add the pages from outside docs/."""
    for source, page in _pages().items():
        files.append(File.generated(config, page, abs_src_path=str(_ROOT / source)))
    return files


def on_page_markdown(markdown, page, config, files):
    """Have links between files of the repository lead to pages of the site."""
    pages = _pages()
    sources = {target: source for source, target in pages.items()}
    here = page.file.src_uri
    folder = PurePosixPath(sources.get(here, "docs/" + here)).parent
    start = str(PurePosixPath(here).parent)

    def link(match):
        target = os.path.normpath(str(folder / match[1])).replace(os.sep, "/")
        inside = pages.get(target)
        if inside is None:
            if not target.startswith("docs/"):
                return match[0]
            inside = target[len("docs/") :]
        return "](%s%s)" % (os.path.relpath(inside, start).replace(os.sep, "/"), match[2] or "")

    return _LINK.sub(link, markdown)
