"""Files: everything comes back bit for bit, or is refused; nothing is lost, and nothing is run."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import pickle
import stat
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import microbp
from microbp import nn, optim, serialization
from microbp.errors import FileFormatError, StateError
from tests.referee import torch
from tests.samples import normal


def round_trip(obj):
    file = io.BytesIO()
    microbp.save(obj, file)
    return microbp.load(io.BytesIO(file.getvalue()))


def model():
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def same(a, b):
    """Equal in type, dtype, shape and every bit."""
    if isinstance(a, microbp.Tensor):
        return isinstance(b, microbp.Tensor) and a.requires_grad == b.requires_grad and same(a.array, b.array)
    if isinstance(a, np.ndarray | np.generic):
        return type(a) is type(b) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,), (2, 3)], ids=str)
def test_every_dtype_and_shape_comes_back(dtype, shape):
    t = microbp.tensor((100 * normal(*shape)).astype(dtype))
    assert same(round_trip(t), t)
    assert same(round_trip({"weight": t})["weight"], t)


def test_every_bit_comes_back():
    bits = np.array([0x7FC00001, 0xFFC12345, 0x7F800001, 0x80000000, 0x00000001, 0x7F800000], np.uint32)
    t = microbp.from_numpy(bits.view(np.float32))
    assert round_trip(t).array.view(np.uint32).tolist() == bits.tolist()


def test_layouts_come_back_as_values():
    a = normal(4, 6)
    for view in (a.T, a[::-1, ::-2], a[1:3, 2], np.broadcast_to(a[0], (3, 6)), a.astype(">f8")):
        assert round_trip(view).tolist() == view.tolist()


def test_what_comes_back_has_memory_of_its_own_and_can_be_written_to():
    loaded = round_trip({"a": microbp.ones(3), "b": microbp.ones(3)})
    loaded["a"] += 1
    assert loaded["b"].tolist() == [1, 1, 1]


def test_a_model_and_its_optimizer_come_back(tmp_path):
    first, second = model(), model()
    optimizers = [optim.Adam(m.parameters(), lr=0.1, amsgrad=True) for m in (first, second)]
    x = microbp.randn(5, 3)

    def train(m, optimizer):
        optimizer.zero_grad()
        m(x).square().mean().backward()
        optimizer.step()

    train(first, optimizers[0])
    path = tmp_path / "checkpoint.safetensors"
    checkpoint = {"model": first.state_dict(), "optimizer": optimizers[0].state_dict(), "epoch": 3, "best": math.inf}
    microbp.save(checkpoint, path)
    loaded = microbp.load(path)
    assert same(dict(loaded, model=dict(loaded["model"])), dict(checkpoint, model=dict(checkpoint["model"])))
    second.load_state_dict(loaded["model"])
    optimizers[1].load_state_dict(loaded["optimizer"])
    for m, optimizer in zip((first, second), optimizers, strict=True):
        train(m, optimizer)
    for p, q in zip(first.parameters(), second.parameters(), strict=True):
        np.testing.assert_array_equal(p.array, q.array)


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
keys = st.text() | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
arrays = st.builds(
    lambda dtype, shape: (np.arange(math.prod(shape)).reshape(shape) * 3).astype(dtype),
    st.sampled_from(["float32", "float64", "int64", "bool", "uint8"]),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
)
leaves = plain | arrays | arrays.map(microbp.tensor) | st.sampled_from([np.float32(1.5), np.int64(3), np.bool_(True)])
objects = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(objects)
def test_any_structure_comes_back(obj):
    assert same(round_trip(obj), obj)


def test_a_header_whose_length_begins_as_a_pickle_does_comes_back(tmp_path):
    lengths = set()
    for size in range(1, 700, 4):
        path = tmp_path / "odd.safetensors"
        microbp.save({"x" * size: microbp.ones(1)}, path)
        lengths.add(path.read_bytes()[:8])
        assert list(microbp.load(path)) == ["x" * size]
    assert (640).to_bytes(8, "little") in lengths, "one header is 640 = 0x0280 bytes long"


@pytest.mark.parametrize(
    "key",
    ["", ".", "../../evil", "/etc/passwd", "a\0b", "__metadata__", "<script>", "\ud800", "ü\n", 7, -1.5, True, None],
)
def test_odd_names_come_back_and_stay_in_the_file(key, tmp_path):
    path = tmp_path / "odd.safetensors"
    microbp.save({key: microbp.ones(2), "x": {key: microbp.zeros(1)}}, path)
    loaded = microbp.load(path)
    assert loaded[key].tolist() == [1, 1]
    assert loaded["x"][key].tolist() == [0]
    assert [entry.name for entry in tmp_path.iterdir()] == ["odd.safetensors"]


def test_names_that_would_collide_do_not():
    obj = {"a": {"b": microbp.ones(1)}, "a.b": microbp.zeros(1), "a.b'": microbp.full((1,), 2.0)}
    assert same(round_trip(obj), obj)


def test_pytorch_reads_ours_and_we_read_pytorchs(tmp_path):
    safetensors_torch = pytest.importorskip("safetensors.torch")
    lib = torch()
    ours = model()
    path = tmp_path / "ours.safetensors"
    microbp.save(ours.state_dict(), path)
    theirs = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 2))
    theirs.load_state_dict(safetensors_torch.load_file(path))
    x = normal(5, 3).astype(np.float32)
    np.testing.assert_allclose(
        theirs(lib.tensor(x)).detach().numpy(), ours(microbp.tensor(x)).detach().numpy(), rtol=1e-6
    )
    back = tmp_path / "theirs.safetensors"
    state = {**theirs.state_dict(), "half": lib.tensor([1.0, -2.5], dtype=lib.bfloat16)}
    safetensors_torch.save_file(state, back)
    loaded = microbp.load(back)
    half = loaded.pop("half")
    assert (half.dtype, half.tolist()) == (microbp.float32, [1.0, -2.5])
    ours.load_state_dict(loaded)


def test_a_pickle_is_refused_and_not_run(tmp_path):
    mark = tmp_path / "mark"

    class Evil:
        def __reduce__(self):
            return (Path.touch, (mark,))

    path = tmp_path / "evil.pt"
    path.write_bytes(pickle.dumps({"weight": Evil()}, protocol=2))
    with pytest.raises(FileFormatError, match=r"evil\.pt is a pickle.*safetensors\.torch\.save_file"):
        microbp.load(path)
    assert not mark.exists()
    saved = tmp_path / "torch.pt"
    torch().save({"w": torch().ones(2)}, saved)
    with pytest.raises(FileFormatError, match=r"torch\.pt is a pickle"):
        microbp.load(saved)


@pytest.fixture(scope="module")
def content():
    """A file as bytes."""
    file = io.BytesIO()
    microbp.save({"model": {"weight": microbp.randn(3, 4), "bias": microbp.zeros(3)}, "epoch": 3}, file)
    return file.getvalue()


def test_a_file_that_is_cut_off_anywhere_is_refused(content):
    for length in range(len(content)):
        with pytest.raises(FileFormatError, match=r"cut off|damaged|not a safetensors file"):
            microbp.load(io.BytesIO(content[:length]))


def test_every_flipped_bit_is_noticed(content):
    for position in range(len(content)):
        for bit in (0, 3, 7):
            flipped = bytearray(content)
            flipped[position] ^= 1 << bit
            try:
                loaded = microbp.load(io.BytesIO(bytes(flipped)))
            except FileFormatError:
                continue
            # Nothing but the metadata for other programs, or white space, may have changed unnoticed.
            assert same(loaded, microbp.load(io.BytesIO(content))), (position, bit)


def header_of(entries, data=b""):
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + data


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"x",
        b"GIF89a" * 10,
        (2**63 - 1).to_bytes(8, "little") + b"{}",
        (1 << 40).to_bytes(8, "little") + b"{" * 100,
        header_of({"a": {"dtype": "F32", "shape": [1 << 40], "data_offsets": [0, 1 << 42]}}, b"1234"),
        header_of({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}, b"1234"),
        header_of({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]}}, b"1234"),
        header_of({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, b"1234"),
        header_of({"a": {"dtype": "F99", "shape": [1], "data_offsets": [0, 4]}}, b"1234"),
        header_of({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, b"1234 and more"),
        header_of({"a": {"dtype": "F8_E5M2", "shape": [1], "data_offsets": [0, 1]}}, b"1"),
        header_of([]),
        header_of({"__metadata__": {"microbp": "1", "structure": "[]", "checksum": "0"}}),
        header_of({"__metadata__": {"microbp": "2"}}),
        (200_000).to_bytes(8, "little") + b'{"a":' + b"[" * 199_995,
    ],
    ids=lambda lie: repr(lie[:30]),
)
def test_lies_and_foreign_files_are_refused_by_name(lie, tmp_path):
    path = tmp_path / "lie.safetensors"
    path.write_bytes(lie)
    with pytest.raises(FileFormatError, match=r"lie\.safetensors"):
        microbp.load(path)


def test_a_structure_that_makes_no_sense_is_refused():
    for structure in ('["tensor", "missing"]', '["widget", 1]', "7", '["dict", [1]]', '["int", "x"]', "["):
        lie = serialization.safetensors.numpy.save(
            {}, {"microbp": "1", "structure": structure, "checksum": serialization.checksum({}, structure)}
        )
        with pytest.raises(FileFormatError, match="makes no sense"):
            microbp.load(io.BytesIO(lie))


def test_files_of_other_programs_are_dicts_of_tensors():
    lie = serialization.safetensors.numpy.save({"a": np.arange(3)}, {"made by": "somebody"})
    loaded = microbp.load(io.BytesIO(lie))
    assert {key: t.tolist() for key, t in loaded.items()} == {"a": [0, 1, 2]}


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        (nn.Linear(2, 1), r"cannot write a Linear: save its state_dict\(\)"),
        ({"model": [nn.Linear(2, 1)]}, r"a Linear, at 'model\.0': save its state_dict"),
        ({"f": len}, "a builtin_function_or_method, at 'f'"),
        ({(1, 2): 3}, r"the key \(1, 2\)"),
        ({"a": {1, 2}}, "a set, at 'a'"),
        (np.array(["text"]), "an array of <U4"),
        ({"z": 1j}, "a complex, at 'z'"),
        ({"z": np.ones(2, complex)}, "an array of complex128, at 'z'"),
    ],
)
def test_what_cannot_be_saved_is_refused_with_its_place(obj, text, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with pytest.raises(TypeError, match=text):
        microbp.save(obj, path)
    assert path.read_bytes() == b"old"


def test_what_contains_itself_is_refused():
    obj = {"a": []}
    obj["a"].append(obj)
    with pytest.raises(TypeError, match=r"a\.0 contains itself"):
        microbp.save(obj, io.BytesIO())
    shared = [microbp.ones(1)]
    assert same(round_trip([shared, shared]), [shared, shared])


@pytest.mark.parametrize(
    "fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt(), MemoryError()], ids=repr
)
@pytest.mark.parametrize("moment", ["fsync", "replace", "chmod"])
def test_a_save_that_fails_leaves_the_old_file_whole(fault, moment, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    microbp.save({"epoch": 1}, path)

    def fail(*args):
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(os, moment, fail)
        with pytest.raises(type(fault)):
            microbp.save({"epoch": 2}, path)
    assert microbp.load(path) == {"epoch": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_permissions_and_links_stay(tmp_path):
    path, link = tmp_path / "model.safetensors", tmp_path / "latest.safetensors"
    microbp.save({"epoch": 1}, path)
    os.chmod(path, 0o640)
    link.symlink_to(path)
    microbp.save({"epoch": 2}, link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert microbp.load(path) == {"epoch": 2}
    fresh = tmp_path / "fresh"
    fresh.touch()
    microbp.save({}, tmp_path / "new")
    assert (tmp_path / "new").stat().st_mode == fresh.stat().st_mode


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        microbp.load(tmp_path / "absent")
    with pytest.raises(FileNotFoundError):
        microbp.save({}, tmp_path / "no folder" / "file")
    with pytest.raises(TypeError, match="a path or a binary file, got int"):
        microbp.save({}, 3)
    with pytest.raises(TypeError, match="a path or a binary file, got NoneType"):
        microbp.load(None)


def test_only_data_on_the_cpu():
    with pytest.raises(NotImplementedError, match="would run code"):
        microbp.load("x", weights_only=False)
    with pytest.raises(NotImplementedError, match="only the CPU"):
        microbp.load("x", map_location="cuda:0")


def test_a_checkpoint_that_does_not_fit_names_the_keys_and_changes_nothing(tmp_path):
    path = tmp_path / "other.safetensors"
    other = {"0.weight": microbp.ones(4, 3), "0.bias": microbp.ones(5), "3.weight": microbp.ones(1)}
    microbp.save(other, path)
    m = model()
    before = [p.array.copy() for p in m.parameters()]
    with pytest.raises(StateError) as caught:
        m.load_state_dict(microbp.load(path))
    for key in ("2.weight", "2.bias", "3.weight", "0.bias", "(5,)", "(4,)"):
        assert key in str(caught.value)
    for p, array in zip(m.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.array, array)


def test_training_after_a_save_does_not_change_the_file(tmp_path):
    m = model()
    path = tmp_path / "model.safetensors"
    state = m.state_dict()
    microbp.save(state, path)
    first = microbp.load(path)["0.weight"].tolist()
    with microbp.no_grad():
        m[0].weight.fill_(7)
    assert microbp.load(path)["0.weight"].tolist() == first
