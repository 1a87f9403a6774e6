"""The gallery: the order of the examples, and what they write, shown on their pages: pictures, and pages in frames."""

from __future__ import annotations

import builtins
import html
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

HEIGHT = 680  # of a page in a frame, in pixels


def with_file(gallery_conf: dict[str, Any], path: str) -> None:
    """Before an example runs: let it know its file, which sphinx-gallery does not tell it."""
    builtins.__file__ = path  # type: ignore[attr-defined]


class InOrder:
    """Sorts examples as ``order.txt`` beside them lists their names."""

    def __init__(self, folder: str) -> None:
        self.names = Path(folder, "order.txt").read_text(encoding="utf-8").split() if folder else []

    def __repr__(self) -> str:
        return "InOrder()"

    def __call__(self, name: str) -> int:
        """The place of an example."""
        return self.names.index(Path(name).stem)


class Written:
    """A scraper of sphinx-gallery: after each block of an example, it shows the files that the block has written.

    Looked at are the folder ``runs`` beside the example, into which examples write unless told otherwise, and what is
    below it.
    """

    def __repr__(self) -> str:
        return "Written()"  # part of the configuration, by which Sphinx tells whether anything changed

    def __call__(self, block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
        """Move the new files beside the page, and return the reST that shows them."""
        runs = Path(block_vars["src_file"]).parent / "runs"
        shown = []
        for path in sorted(runs.rglob("*"), key=lambda path: path.stat().st_mtime):
            if path.suffix in {".svg", ".png"}:
                target = Path(next(block_vars["image_path_iterator"])).with_suffix(path.suffix)
                shutil.move(path, target)
                shown.append(self.picture(target, Path(gallery_conf["src_dir"]), path.stem))
            elif path.suffix == ".html":
                shown.append(self.frame(path.read_text(encoding="utf-8"), path.stem))
                path.unlink()
        return "\n\n".join(shown)

    @staticmethod
    def picture(path: Path, source: Path, title: str) -> str:
        """A picture."""
        return (
            f".. image:: /{path.relative_to(source).as_posix()}\n   :alt: {title.replace('_', ' ')}\n   :class: written"
        )

    @staticmethod
    def frame(page: str, title: str) -> str:
        """A page in a frame, which needs no file of its own."""
        frame = (
            f'<iframe class="written" title="{title.replace("_", " ")}" loading="lazy" srcdoc="{html.escape(page)}" '
            f'style="width:100%;height:{HEIGHT}px;border:0"></iframe>'
        )
        lines = frame.replace("\n", "&#10;")
        return f".. raw:: html\n\n   {lines}"


def without_readmes(app: Sphinx) -> None:
    """Let a ``README.md`` be for readers of the repository, and make no folder a part of the gallery."""
    app.config.sphinx_gallery_conf["source_suffix"] = {".rst": "restructuredtext"}


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("builder-inited", without_readmes, priority=20)  # between sphinx-gallery's own two handlers
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
