"""Writes ``inventories/``: where Python's, NumPy's and PyTorch's documentation describe what we link to.

    python docs/make_inventories.py           # needs PyTorch, to see which names it has; no network
    python docs/make_inventories.py --check   # compare with the sites' own inventories, over the network
    python docs/make_inventories.py --check FOLDER   # or with python.inv, numpy.inv and torch.inv in a folder

These sites have an address for each name that follows from the name. That is all that is needed to link to them, so a
build asks no other site for anything. The files are Sphinx inventories of version 1, which are text.
"""

from __future__ import annotations

import argparse
import builtins
import fnmatch
import importlib
import inspect
import sys
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from sphinx.util.inventory import InventoryFile

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from public import PUBLIC, names, other_name  # noqa: E402

from microbp.label import numpy_name  # noqa: E402
from microbp.ops.op import registry  # noqa: E402

SITES = {
    "python": ("Python", "https://docs.python.org/3"),
    "numpy": ("NumPy", "https://numpy.org/doc/stable"),
    "torch": ("PyTorch", "https://docs.pytorch.org/docs/stable"),
}

PYTHON = {
    "library/functions.html": ["bool", "float", "int", "object"],
    "library/stdtypes.html": ["dict", "list", "set", "str", "tuple"],
    "library/exceptions.html": [name for name, value in vars(builtins).items() if inspect.isclass(value)],
}

NUMPY = ("ndarray", "dtype", "finfo", "iinfo", "random.Generator")

TORCH = {
    "torch.nn.init.*": "nn.init.html",
    "torch.utils.data.*": "data.html",
    "torch.utils.checkpoint.*": "checkpoint.html",
    "torch.autograd.Function": "autograd.html",
    "torch.autograd.*detect_anomaly": "autograd.html",
    "torch.autograd.grad*check": "generated/torch.autograd.gradcheck.{last}.html",
    "torch.optim.Optimizer": "optim.html",
    "torch.Tensor": "tensors.html",
    "*": "generated/{name}.html",
}
"""On which page a name stands, by the first pattern that fits."""

UNDOCUMENTED = {
    *("torch.autograd.Variable", "torch.clamp_max", "torch.clamp_min", "torch.default_generator", "torch.device"),
    *("torch.*Tensor", "torch.get_printoptions", "torch.index_fill", "torch.index_put", "torch.inference_mode"),
    *("torch.is_same_size", "torch.log_softmax", "torch.masked_fill", "torch.masked_scatter", "torch.relu"),
    *("torch.set_grad_enabled", "torch.split_with_sizes", "torch.nn.Parameter", "torch.nn.RNNCellBase"),
    *("torch.nn.functional.channel_shuffle", "torch.nn.functional.multi_head_attention_forward"),
    *("torch.utils.data.get_worker_info", "torch.utils.checkpoint.noop_context_fn", "torch.linalg.LinAlgError"),
    *("torch.cuda", "torch.finfo", "torch.iinfo"),
}
"""What PyTorch has but describes nowhere, or under another name."""

Entries = dict[str, tuple[str, str]]


def python_entries() -> Entries:
    """Built-in types and exceptions: name, kind and page."""
    entries: Entries = {}
    for page, listed in PYTHON.items():
        for name in listed:
            value = getattr(builtins, name)
            if "exceptions" not in page:
                entries[name] = ("class", page)
            elif issubclass(value, BaseException) and value.__name__ == name:
                entries[name] = ("exception", page)
    return entries


def numpy_entries() -> Entries:
    """What our rows stand for."""
    functions = {
        numpy_name(row.numpy).replace("np.", "numpy.", 1) for row in registry.values() if row.numpy is not None
    }
    listed = sorted(functions | {f"numpy.{name}" for name in NUMPY})
    return {
        name: (kind_of(value_of(name)), f"reference/{'random/' * ('random' in name)}generated/{name}.html")
        for name in listed
    }


def torch_entries() -> Entries:
    """What has one of our names in PyTorch."""
    entries: Entries = {}
    for module in PUBLIC:
        for ours in names(module).values():
            name = ours.full.replace("microbp", "torch", 1)
            value = value_of(name)
            hidden = any(fnmatch.fnmatchcase(name, pattern) for pattern in UNDOCUMENTED) and name != "torch.Tensor"
            if value is None or hidden or ours.kind == "data" or other_name(ours) is not None:
                continue
            page = next(page for pattern, page in TORCH.items() if fnmatch.fnmatchcase(name, pattern))
            entries[name] = (kind_of(value), page.format(name=name, last=name.rsplit(".", 1)[1]))
    return entries


def value_of(path: str) -> Any:
    """What a dotted name leads to; None if there is no such thing."""
    first, *rest = path.split(".")
    value = importlib.import_module(first)
    for part in rest:
        value = getattr(value, part, None)
    return value


def kind_of(value: Any) -> str:
    """What Sphinx calls it."""
    return "class" if inspect.isclass(value) else "function"


def differences(site: str, entries: Entries, folder: str | None) -> list[str]:
    """The names whose address on a site is another one."""
    address = SITES[site][1]
    if folder is None:
        with urlopen(f"{address}/objects.inv") as answer:
            content = answer.read()
    else:
        content = (Path(folder) / f"{site}.inv").read_bytes()
    theirs = {}
    for kind, found in InventoryFile.loads(content, uri="").data.items():
        if kind.startswith("py:"):
            theirs.update({name: item.uri for name, item in found.items()})
    ours = {name: f"{page}#{name}" for name, (_, page) in entries.items()}
    return [f"{name}: {ours[name]}, but {theirs.get(name)}" for name in ours if ours[name] != theirs.get(name)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write the inventories, or compare them with the sites' own.")
    parser.add_argument("--check", nargs="?", const="", metavar="FOLDER")
    options = parser.parse_args()
    for site, make in {"python": python_entries, "numpy": numpy_entries, "torch": torch_entries}.items():
        entries = make()
        if options.check is None:
            head = f"# Sphinx inventory version 1\n# Project: {SITES[site][0]}\n# Version: stable\n"
            lines = (f"{name} {kind} {page}\n" for name, (kind, page) in sorted(entries.items()))
            (HERE / "inventories" / f"{site}.txt").write_text(head + "".join(lines), encoding="utf-8")
        elif options.check == "" or (Path(options.check) / f"{site}.inv").exists():
            found = differences(site, entries, options.check or None)
            print(f"{site}: {len(entries)} names, {len(found)} elsewhere", *found, sep="\n    ")
