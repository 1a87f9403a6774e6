"""Files: state dicts, and whatever is built of tensors, numbers and text, without pickle.

A file is in the safetensors format: a header of JSON, then the elements. The tensors of a
flat dict keep its keys as their names, so that other programs find them; how nested dicts,
lists and numbers belong together is written down in the header's metadata, beside a checksum
of everything. Nothing in a file is ever executed.

Writing is all or nothing: into a new file beside the old one, which takes its place when all
of it is on the disk.

Source: the safetensors format, https://github.com/huggingface/safetensors#format.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors
import safetensors.numpy

from microbp.dtypes import supported
from microbp.errors import FileFormatError
from microbp.tensor import Tensor, wrap

__all__ = ["load", "save"]

Array = np.ndarray[Any, Any]
Target = str | os.PathLike[str] | BinaryIO

# What the dtypes of the format are in NumPy; bfloat16 is read as float32, which holds all its values.
DTYPES = {
    "BOOL": "bool",
    "U8": "uint8",
    "I8": "int8",
    "I16": "int16",
    "I32": "int32",
    "I64": "int64",
    "F16": "float16",
    "F32": "float32",
    "F64": "float64",
    "BF16": "bfloat16",
}

FORMAT = "1"
OURS = {"microbp", "structure", "checksum"}  # any of them marks a file of ours, also if one is damaged
LARGEST_HEADER = 100_000_000  # bytes: what the format allows


def save(obj: Any, f: Target) -> None:
    """Write an object to a file.

    Parameters
    ----------
    obj : dict, list, tuple, Tensor, array, number, str, bool or None
        Such as ``model.state_dict()``, or ``{"model": model.state_dict(), "optimizer": optimizer.state_dict(),
        "epoch": 3}``. Tensors are saved without their graph.
    f : path or binary file
        Where to. A file that is there already is replaced once the new one is complete, and not touched if
        anything goes wrong.

    Raises
    ------
    TypeError
        If the object holds something else, such as a whole module; the text says where.

    Examples
    --------
    >>> import io
    >>> from microbp import nn
    >>> file = io.BytesIO()
    >>> save({"model": nn.Linear(2, 1).state_dict(), "epoch": 3}, file)
    >>> sorted(load(io.BytesIO(file.getvalue())))
    ['epoch', 'model']
    """
    arrays: dict[str, Array] = {}
    structure = json.dumps(described(obj, "", arrays, set()))
    metadata = {"format": "pt", "microbp": FORMAT, "structure": structure, "checksum": checksum(arrays, structure)}
    content = safetensors.numpy.save(arrays, metadata)
    if header_length(content) > LARGEST_HEADER:
        raise ValueError(f"save(): names, numbers and text take more than the {LARGEST_HEADER:,} bytes of a header")
    if isinstance(f, str | os.PathLike):
        replace(Path(f), content)
    elif hasattr(f, "write"):
        f.write(content)
    else:
        raise TypeError(f"save() writes to a path or a binary file, got {type(f).__name__}")


def load(f: Target, map_location: Any = None, *, weights_only: bool = True) -> Any:
    """Read what `save` wrote, or any safetensors file, which is a dict of tensors.

    Parameters
    ----------
    f : path or binary file
        Where from.
    map_location : str or Device, optional
        Only the CPU.
    weights_only : bool
        Only True: nothing but data is ever read.

    Returns
    -------
    object
        As it was saved; tensors with memory of their own.

    Raises
    ------
    FileFormatError
        If the file is of another format, cut off, or damaged; the text names the file and what is wrong.
    FileNotFoundError, PermissionError
        If it cannot be opened.
    """
    if map_location is not None and str(map_location) != "cpu":
        raise NotImplementedError(f"load() knows only the CPU, got map_location={map_location!r}")
    if not weights_only:
        raise NotImplementedError("load() reads data only; weights_only=False would run code from the file")
    if isinstance(f, str | os.PathLike):
        name, content = str(f), Path(f).read_bytes()
    elif hasattr(f, "read"):
        name, content = str(getattr(f, "name", "the given file")), f.read()
    else:
        raise TypeError(f"load() reads from a path or a binary file, got {type(f).__name__}")
    metadata = metadata_of(content, name)
    arrays = arrays_of(content, name)
    if not OURS & metadata.keys():
        return {key: wrap(array) for key, array in arrays.items()}
    if metadata.get("microbp") != FORMAT:
        raise FileFormatError(f"{name} is of version {metadata.get('microbp')!r} of microbp's format, not {FORMAT!r}")
    structure = metadata.get("structure", "")
    if metadata.get("checksum") != checksum(arrays, structure):
        raise FileFormatError(f"{name} is damaged: its checksum does not fit what it holds")
    try:
        return restored(json.loads(structure), arrays)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise FileFormatError(f"{name} has a structure that makes no sense: {error}") from None


# What an object is made of: every value is null, true, false, or a list of its kind and what belongs to it.


def described(value: Any, path: str, arrays: dict[str, Array], inside: set[int]) -> Any:
    """A value as JSON; its arrays are put aside under names of their own, made of their path."""
    if value is None or value is True or value is False:
        return value
    if isinstance(value, str):
        return ["str", value]
    if type(value) in (int, float):
        return [type(value).__name__, repr(value)]
    if isinstance(value, np.generic):
        return ["scalar", named(path, np.asarray(value), arrays)]
    if isinstance(value, Tensor):
        return ["tensor", named(path, value.array, arrays), value.requires_grad]
    if isinstance(value, np.ndarray):
        return ["array", named(path, value, arrays)]
    if id(value) in inside:
        raise TypeError(f"save(): {path or 'the object'} contains itself")
    inside = inside | {id(value)}
    if isinstance(value, Mapping):
        entries = []
        for key, item in value.items():
            if not (key is None or isinstance(key, str | int | float | bool)):
                raise TypeError(f"save(): a dict has the key {key!r}{at(path)}; keys are text or numbers")
            inner = f"{path}.{key}" if path else str(key)
            entries.append([described(key, inner, arrays, inside), described(item, inner, arrays, inside)])
        return ["dict", entries]
    if isinstance(value, list | tuple):
        kind = "list" if isinstance(value, list) else "tuple"
        items = enumerate(value)
        return [kind, [described(item, f"{path}.{k}" if path else str(k), arrays, inside) for k, item in items]]
    hint = ": save its state_dict()" if hasattr(value, "state_dict") else ""
    raise TypeError(f"save() cannot write a {type(value).__name__}{at(path)}{hint}")


def at(path: str) -> str:
    """Where in an object, in words."""
    return f", at {path!r}" if path else ""


def named(path: str, array: Array, arrays: dict[str, Array]) -> str:
    """Put an array aside under a name that no other has."""
    dtype = array.dtype.newbyteorder("=")
    if dtype not in supported:
        raise TypeError(f"save() cannot write an array of {array.dtype}{at(path)}")
    name = path.encode(errors="replace").decode() or "value"  # the header is UTF-8
    while name in arrays or name == "__metadata__":
        name += "'"
    arrays[name] = np.asarray(array, dtype, order="C")
    return name


def restored(value: Any, arrays: Mapping[str, Array]) -> Any:
    """The opposite of `described`."""
    if value is None or isinstance(value, bool):
        return value
    kind, content, *more = value
    if kind == "str":
        return str(content)
    if kind in ("int", "float"):
        return {"int": int, "float": float}[kind](content)
    if kind == "dict":
        return {restored(key, arrays): restored(item, arrays) for key, item in content}
    if kind in ("list", "tuple"):
        return {"list": list, "tuple": tuple}[kind](restored(item, arrays) for item in content)
    array = arrays[content]
    if kind == "tensor":
        return wrap(array).requires_grad_(more[0])
    return {"array": array, "scalar": array[()]}[kind]


# Bytes


def checksum(arrays: Mapping[str, Array], structure: str) -> str:
    """A digest of the structure and of every array with its name, dtype and shape."""
    digest = hashlib.blake2b(structure.encode("utf-8", "surrogatepass"), digest_size=16)
    for name in sorted(arrays):
        array = arrays[name]
        digest.update(f"{name!r} {array.dtype.name} {array.shape}".encode("utf-8", "surrogatepass"))
        digest.update(array.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def header_length(content: bytes) -> int:
    """How many bytes the header says that it has, after the 8 that say so."""
    return int.from_bytes(content[:8], "little")


def metadata_of(content: bytes, name: str) -> dict[str, str]:
    """The metadata in the header of a file, once it is certain that it is such a file."""
    # The length of a header, 640 say, may begin as a pickle does; but then a header follows it.
    if content[:4] == b"PK\x03\x04" or (content[:2] == b"\x80\x02" and content[8:9] != b"{"):
        raise FileFormatError(
            f"{name} is a pickle, as torch.save writes it, which could run any code when it is read; write it anew "
            "with safetensors.torch.save_file(state_dict, path)"
        )
    length = header_length(content)
    if len(content) < 8 or not 2 <= length <= LARGEST_HEADER or content[8:9] != b"{":
        raise FileFormatError(f"{name} is not a safetensors file")
    if len(content) < 8 + length:
        raise FileFormatError(f"{name} is cut off: {len(content)} bytes, of which the header alone needs {8 + length}")
    try:
        header = json.loads(content[8 : 8 + length])
        metadata = header.get("__metadata__", {})
    except (ValueError, AttributeError, RecursionError):
        raise FileFormatError(f"{name} is damaged: its header is no JSON object") from None
    return metadata if isinstance(metadata, dict) else {}


def arrays_of(content: bytes, name: str) -> dict[str, Array]:
    """The arrays of a file, each with memory of its own."""
    try:
        found: Any = safetensors.deserialize(content)  # type: ignore[no-untyped-call]
    except safetensors.SafetensorError as error:
        raise FileFormatError(f"{name} is cut off or damaged: {error}") from None
    arrays = {}
    for key, entry in found:
        dtype = DTYPES.get(entry["dtype"])
        if dtype is None:
            raise FileFormatError(f"{name} holds {key!r} as {entry['dtype']}, which microbp does not have")
        if dtype == "bfloat16":  # the upper half of a float32
            array = (np.frombuffer(entry["data"], np.uint16).astype(np.uint32) << 16).view(np.float32)
        else:
            array = np.frombuffer(entry["data"], dtype).copy()
        arrays[key] = array.reshape(entry["shape"])
    return arrays


def replace(path: Path, content: bytes) -> None:
    """Put a file in place of another at once, or leave that as it is."""
    path = path.resolve()  # a symbolic link stays one
    beside = path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}")
    try:
        with open(beside, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            os.chmod(beside, stat.S_IMODE(path.stat().st_mode))
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            beside.unlink()
        raise
