"""Rendering, with the `dot` program or without it.

The ``graphviz`` package is an interface: it needs the `dot` program. Where that is not
installed, ``pygraphviz`` renders instead, in this process; its wheels carry Graphviz
itself. Where neither is there, the DOT text still is.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import pathlib
import shutil
from collections.abc import Iterable
from typing import Any

import graphviz

__all__ = ["Graph", "GraphvizNotFound", "dot_path"]

PICTURES = {"svg", "png", "pdf", "jpg", "jpeg", "gif", "ps", "json"}

CRASHING = {"json", "xdot", "xdot1.2", "xdot1.4"}
"""Formats that end the whole process in pygraphviz 2.0, for graphs with labelled frames."""

HOW_TO_INSTALL = """no Graphviz was found to render the graph with. Any one of these helps:
  pip install "microbp[viz]"        pygraphviz, whose wheels carry Graphviz; needs nothing else
  apt install graphviz              Debian, Ubuntu
  brew install graphviz             macOS
  winget install graphviz           Windows
  conda install graphviz            conda
(pip install graphviz is only the Python interface and is installed already; it does not bring the dot program.)
Without it, graph.source is the graph as DOT text, which graph.save("graph.gv") writes to a file."""


class GraphvizNotFound(graphviz.ExecutableNotFound):  # type: ignore[misc]
    """Neither the `dot` program nor pygraphviz is there; the text says what to install."""

    def __init__(self) -> None:
        super().__init__(["dot"])
        self.args = (HOW_TO_INSTALL,)


def dot_path() -> str | None:
    """Where the `dot` program is; None if it is not on PATH."""
    return shutil.which("dot")


def pipe_in_process(source: str, format: str, engine: str) -> bytes:
    """Render DOT text with pygraphviz."""
    if importlib.util.find_spec("pygraphviz") is None:
        raise GraphvizNotFound
    if format in CRASHING:
        raise NotImplementedError(f"{format} needs the dot program on PATH, as pygraphviz crashes over it; try json0")
    graph = importlib.import_module("pygraphviz").AGraph(string=source)
    data: bytes = graph.draw(format=format, prog=engine)
    return data


class Graph(graphviz.Digraph):  # type: ignore[misc]
    """A graph in the DOT language that renders itself with what is there.

    It is a `graphviz.Digraph`: ``source``, ``save``, ``node``, ``edge`` and the rest work as
    usual. ``render``, ``pipe``, ``view`` and the notebook's display use the `dot` program if
    it is on PATH, else pygraphviz.
    """

    def pipe(
        self,
        format: str | None = None,
        renderer: str | None = None,
        formatter: str | None = None,
        neato_no_op: bool | int | None = None,
        quiet: bool = False,
        *,
        engine: str | None = None,
        encoding: str | None = None,
    ) -> Any:
        """The rendered graph.

        Parameters
        ----------
        format : str, optional
            ``svg`` (the default), ``png``, ``pdf``, ...
        renderer, formatter, neato_no_op, quiet, engine
            As for ``graphviz.Digraph.pipe``; the first three need the `dot` program.
        encoding : str, optional
            Return text in this encoding instead of bytes.

        Returns
        -------
        bytes or str

        Raises
        ------
        GraphvizNotFound
            If there is neither the `dot` program nor pygraphviz.
        """
        if dot_path() is not None:
            return super().pipe(
                format=format,
                renderer=renderer,
                formatter=formatter,
                neato_no_op=neato_no_op,
                quiet=quiet,
                engine=engine,
                encoding=encoding,
            )
        if renderer is not None or formatter is not None or neato_no_op is not None:
            raise NotImplementedError("renderer, formatter and neato_no_op need the dot program on PATH")
        data = pipe_in_process(self.source, format or self.format, engine or self.engine)
        return data if encoding is None else data.decode(encoding)

    def render(
        self,
        filename: str | os.PathLike[str] | None = None,
        directory: str | os.PathLike[str] | None = None,
        view: bool = False,
        cleanup: bool = False,
        format: str | None = None,
        renderer: str | None = None,
        formatter: str | None = None,
        neato_no_op: bool | int | None = None,
        quiet: bool = False,
        quiet_view: bool = False,
        *,
        outfile: str | os.PathLike[str] | None = None,
        engine: str | None = None,
        raise_if_result_exists: bool = False,
        overwrite_source: bool = False,
    ) -> str:
        """Write the graph as a picture, and its DOT text beside it.

        Parameters
        ----------
        filename : path, optional
            Of the picture, if it ends as pictures do (``"graph.png"``, and no `format` is
            given). Else, as in the graphviz package, of the DOT text, and the picture is
            called ``filename + "." + format``.
        directory : path, optional
            Where to put them.
        view : bool
            Open the picture afterwards.
        cleanup : bool
            Remove the DOT text afterwards.
        format : str, optional
            ``svg`` (the default), ``png``, ``pdf``, ...
        outfile : path, optional
            Of the picture; its ending tells the format.
        renderer, formatter, neato_no_op, quiet, quiet_view, engine, raise_if_result_exists, overwrite_source
            As for ``graphviz.Digraph.render``.

        Returns
        -------
        str
            The path of the picture.

        Raises
        ------
        GraphvizNotFound
            If there is neither the `dot` program nor pygraphviz.
        """
        if outfile is None and filename is not None and format is None and ending(filename) in PICTURES:
            outfile, filename = filename, None
        if outfile is not None:
            format = format or ending(outfile)
        # Rendered through a pipe, so that a file name is never part of a command.
        picture: bytes = self.pipe(format, renderer, formatter, neato_no_op, quiet, engine=engine)
        folder = pathlib.Path(directory or self.directory or ".")
        if outfile is not None:
            target = folder / outfile
            source = folder / (filename or pathlib.Path(outfile).with_suffix(".gv"))
        else:
            source = folder / (filename or self.filename)
            target = source.with_name(f"{source.name}.{format or self.format}")
        if raise_if_result_exists and target.exists():
            raise graphviz.FileExistsError(f"output file exists: {str(target)!r}")
        if target == source and not overwrite_source:
            raise ValueError(f"the picture {str(target)!r} would overwrite the DOT text; give another name")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not cleanup:
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(self.source, encoding=self.encoding, newline="\n")
        target.write_bytes(picture)
        if view or quiet_view:
            graphviz.view(str(target), quiet=quiet_view)
        return str(target)

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, Any]:
        """What a notebook shows: the picture, or why there is none, what to do, and the DOT text.

        Where HTML is shown, a wide picture is scrolled, not shrunk, and its tooltips work.
        """
        try:
            bundle: dict[str, Any] = super()._repr_mimebundle_(include, exclude)
            if include is None and "image/svg+xml" in bundle and "text/html" not in (exclude or ()):
                bundle["text/html"] = scrolled(bundle["image/svg+xml"])
        except Exception as error:  # a display must never break a notebook
            reason = str(error) or type(error).__name__
            said = reason if isinstance(error, GraphvizNotFound) else f"the graph could not be rendered: {reason}"
            return {"text/plain": f"{said}\n\n{self.source}"}
        return bundle

    def _repr_svg_(self) -> str | None:
        """The picture as SVG; None where nothing can render it."""
        svg: str | None = self._repr_mimebundle_(["image/svg+xml"]).get("image/svg+xml")
        return svg


def scrolled(svg: str) -> str:
    """A picture as HTML, in its own size."""
    return f'<div style="overflow-x:auto;background:white">{svg[svg.index("<svg") :]}</div>'


def ending(path: str | os.PathLike[str]) -> str:
    """The ending of a file name, without its dot."""
    return pathlib.PurePath(path).suffix[1:].lower()
