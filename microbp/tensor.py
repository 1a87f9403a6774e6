"""The tensor: a handle on an array, its gradient, and the node that computed it.

`apply` is the one door through which every operation goes: it runs a row's forward on the
arrays and, where a gradient will be wanted, leaves a `Node` behind.
"""

from __future__ import annotations

import copy
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from types import CodeType, FrameType
from typing import Any

import numpy as np
from numpy import ndarray

from microbp import label
from microbp.device import Device, cpu
from microbp.dtypes import as_dtype, float32, float64, result_dtype
from microbp.errors import DtypeError, GraphError, MicrobpError, RangeError, ShapeError
from microbp.handle import Handle
from microbp.label import is_ours
from microbp.lazy import shown_in_notebooks_by
from microbp.methods import Methods
from microbp.mode import current, enable_grad, look_at_values, no_grad, remark, tell_unrecorded
from microbp.node import MANY, ONE, Node, make_node
from microbp.ops import arithmetic, comparison, elementwise
from microbp.ops import shape as shaping
from microbp.ops.op import Op, numpy_rows
from microbp.ops.quiet import IGNORE, error_state
from microbp.stack import Cut
from microbp.version import Onlooker, Version, writes
from microbp.version import numbers as creation

__all__ = ["Tensor", "apply", "as_operand", "path_of", "refuse_masked", "wrap"]

OTHER_WAYS = {
    "out": "it gives a new tensor, which t.copy_(...) can put into another",
    "where": "choose among the results: np.where(condition, ..., ...)",
    "initial": "combine the result with it",
    "casting": "convert it first: t.to(dtype)",
    "order": "tensors have no memory order to choose",
    "subok": "tensors have no subclasses of arrays",
}
frame_at = sys._getframe
new = object.__new__  # makes a tensor without what ``Tensor(...)`` does for its callers

PLAIN = frozenset({int, float, bool, type(None)})


def apply(op: Op, *inputs: Any, **options: Any) -> Tensor:
    """Run a row on tensors, Python numbers and arrays, and record it if a gradient will be wanted.

    Parameters
    ----------
    op : Op
        The row.
    *inputs : Tensor, number or array
        One value for each argument of the row.
    **options
        The row's options.

    Returns
    -------
    Tensor

    Raises
    ------
    ShapeError, DtypeError, IndexError
        If the forward cannot work with these inputs; the text names the row and the shapes.
    RangeError
        If a number does not fit the dtype.
    GraphError
        If an input is a view of a tensor that a recorded operation in place changed, and that got other data since.
    """
    if writes.moved > 0:
        catch_up(inputs)
    needed = scalars = 0
    arrays: Sequence[Any]
    edges: Sequence[Any]
    if len(inputs) == 2 and isinstance(inputs[0], Tensor) and isinstance(inputs[1], Tensor):
        # By far the most frequent case. The loop below comes to the same, 0.15 µs later.
        first, second = inputs
        arrays = first.array, second.array
        edges = first.node or first, second.node or second
        if first._requires_grad:
            needed = 1
        if second._requires_grad:
            needed += 2
        dtype = arrays[0].dtype
        alike = arrays[1].dtype is dtype
        bit = 4
    else:
        arrays, edges = [], []
        dtype, alike, bit = None, True, 1
        for value in inputs:
            if isinstance(value, Tensor):
                array = value.array
                arrays.append(array)
                edges.append(value.node or value)
                if value._requires_grad:
                    needed += bit
                if array.dtype is not dtype:
                    if dtype is None:
                        dtype = array.dtype
                    else:
                        alike = False
            elif type(value) in PLAIN:
                arrays.append(value)
                edges.append(value)
                scalars += 1
            else:
                operands = [None if value is None else as_operand(value, op.name) for value in inputs]
                return apply(op, *operands, **options)
            bit += bit
    if not (alike and (dtype is float32 or dtype is float64)) and op.promotes:
        promoted = promote(op, inputs)
        if promoted is not None:
            return apply(op, *promoted, **options)

    token = error_state.set(IGNORE)
    try:
        result = op.forward(*arrays, **options) if options else op.forward(*arrays)
    except MicrobpError:
        raise
    except IndexError as error:
        raise IndexError(label.failed(op, tuple(arrays), error)) from None
    except (TypeError, AttributeError) as error:
        raise DtypeError(label.failed(op, tuple(arrays), error)) from error
    except OverflowError as error:
        raise RangeError(label.failed(op, tuple(arrays), error)) from None
    except ValueError as error:
        raise ShapeError(label.failed(op, tuple(arrays), error)) from error
    finally:
        error_state.reset(token)
    array = result[0] if op.handed_on else result
    if type(array) is not ndarray:
        array = np.asarray(array)
    out = new(Tensor)
    out.array = array

    wanted = needed & op.differentiable
    mode = current.get()
    if wanted and mode.recording:
        plan = op.plans[wanted]
        kept = ()
        if plan.letters:
            kept = plan.keep((array, *arrays, *result[1:]) if op.handed_on else (array, *arrays))
        if plan.shapes:
            kept += tuple([np.shape(arrays[position]) for position in plan.shapes])
        first, second = edges if bit == 4 else (edges[0], ONE) if bit == 2 else (edges, MANY)
        node = make_node(op, plan, first, second, options, kept, place_of_call())
        if op.broadcasts and (bit > 4 or (not scalars and arrays[0].shape != arrays[1].shape)):
            node.shapes = tuple([getattr(value, "shape", ()) for value in arrays])
        out.node = node
        out._requires_grad = True
        if mode.observer is not None:
            mode.observer.forward(node, out)
    elif not mode.recording:
        out._cut = mode.cut
    else:
        if mode.observer is not None:
            tell_unrecorded(op, tuple(edges), options, out)
        if needed:
            out._cut = (f"by {op.name}()", place_of_call())
        else:
            for value in tensors_among(inputs) if scalars else inputs:
                if value._cut is not None:
                    out._cut = value._cut
    if op.view:
        out._look_at(inputs[0], op, options)
    return out


def tensors_among(values: Iterable[Any]) -> list[Tensor]:
    """The tensors of several values."""
    return [value for value in values if isinstance(value, Tensor)]


def catch_up(values: Iterable[Any]) -> None:
    """Bring views up to date that were taken before a recorded operation in place changed their base.

    Such a view has the new values, as it shares the memory; here it gets their history, by being taken again.
    """
    for view in values:
        if isinstance(view, Tensor) and view._base is not None and view.is_stale:
            if view.is_left_behind:
                raise GraphError(
                    "this view shows what a recorded operation in place made of its base, which was given other data "
                    "since; take the view after the operation, or work on a copy (t.clone())"
                )
            with enable_grad() if view._records else no_grad():
                anew = view._base
                for op, options in path_of(view):
                    anew = apply(op, anew, **options)
            view.node, view._requires_grad, view._taken = anew.node, anew._requires_grad, anew._taken
            view._cut = anew._cut


def path_of(view: Tensor) -> tuple[tuple[Op, dict[str, Any]], ...]:
    """The operations, with their options, that lead from a tensor to a view of it."""
    steps = []
    last = view._path
    while last is not None:
        last, op, options = last
        steps.append((op, options))
    return tuple(reversed(steps))


def place_of_call() -> tuple[CodeType, int]:
    """Where the program is: the innermost call from outside this package, or from one of its modules.

    Where a module's call comes from is noted with that call; `microbp.label.place` brings the two together.
    """
    frame = frame_at(2)  # place_of_call < apply < most often one of our own < perhaps the user
    code = frame.f_code
    while is_ours[code.co_filename] and code.co_name != "forward" and frame.f_back is not None:
        frame = frame.f_back
        code = frame.f_code
    return code, frame.f_lasti


def promote(op: Op, inputs: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """The inputs in a common dtype, each conversion recorded; None if they have one already."""
    taking_part = [k for k in range(len(inputs)) if not op.differentiable or op.differentiable >> k & 1]
    present = [inputs[k] for k in taking_part if inputs[k] is not None]
    dtype = result_dtype([value.array if isinstance(value, Tensor) else value for value in present], op.floating)
    promoted = list(inputs)
    for k in taking_part:
        value = inputs[k]
        if isinstance(value, Tensor) and value.array.dtype != dtype:
            promoted[k] = apply(shaping.cast, value, dtype=dtype, source=value.array.dtype)
    return tuple(promoted) if any(a is not b for a, b in zip(promoted, inputs, strict=True)) else None


def as_operand(value: Any, of: str | None = None) -> Any:
    """A value as an operand, of an operation of that name: arrays become constants, NumPy's scalars become Python's."""
    if isinstance(value, Tensor) or (type(value) in PLAIN and value is not None):
        return value
    if isinstance(value, np.ndarray):
        refuse_masked(value)
        return wrap(np.array(value, dtype=as_dtype(value.dtype)))  # a copy: no write to the array goes unseen
    if isinstance(value, np.generic | int | float):
        return value.item() if isinstance(value, np.generic) else value
    start = "" if of is None else f"{of}: "
    raise TypeError(f"{start}expected a tensor, an array or a number, got {type(value).__name__}: {value!r}")


def refuse_masked(array: np.ndarray[Any, Any]) -> None:
    """Refuse an array with masked elements: a tensor would show what lies under the mask."""
    if type(array) is not np.ndarray and np.ma.is_masked(array):
        raise DtypeError("tensors have no masked elements; fill them first: a.filled(0)")


def is_no_number(value: Any) -> bool:
    """Whether a value is of a kind that equals no tensor, and may be compared with one."""
    return value is None or isinstance(value, str)


def rebuild(kind: type[Tensor], array: Any, requires_grad: bool, grad: Tensor | None, name: str | None) -> Tensor:
    """A leaf from its parts, as copying and unpickling do it."""
    out = kind.__new__(kind)
    out.array = np.asarray(array, dtype=as_dtype(array.dtype))  # unpickled dtypes are equal, but not the same objects
    out._requires_grad = requires_grad
    if grad is not None:
        out._grad = grad
    out.name = name
    return out


def wrap(array: Any, node: Node | None = None) -> Tensor:
    """A tensor on an array, without copying it."""
    out = new(Tensor)
    out.array = array if type(array) is np.ndarray else np.asarray(array)
    out.node = node
    out._requires_grad = node is not None
    out._cut = None  # what the instance has itself, Python finds sooner than what its class has
    return out


class Tensor(Methods, Onlooker):
    """An n-dimensional array that remembers how it was computed.

    Make tensors with `microbp.tensor` and its relatives; the class itself is called as `microbp.FloatTensor` is.

    Parameters
    ----------
    *values_or_sizes
        As for `microbp.FloatTensor`.
    device : str or device, optional
        ``"cpu"``.

    Attributes
    ----------
    array : numpy.ndarray
        The values themselves, not a copy. Writes to it are not seen by the graph.
    requires_grad : bool
        Whether operations on this tensor are recorded.
    grad : Tensor or None
        dL/dt for this tensor t, once ``backward()`` has computed it; added up over calls.
    grad_fn : Node or None
        The operation that computed this tensor; None for a leaf.
    name : str or None
        A name of the user's choice, shown in drawings.

    Examples
    --------
    >>> import microbp
    >>> x = microbp.tensor([1.0, 2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> x.grad
    tensor([2., 4.])
    """

    array: np.ndarray[tuple[int, ...], np.dtype[Any]]
    node: Node | None = None
    name: str | None = None
    hooks: list[Callable[[Any], Any]] | None = None
    after: list[Callable[[Any], Any]] | None = None  # hooks to be called once a gradient was added
    _requires_grad: bool = False
    _grad: Tensor | None = None
    _base: Tensor | None = None  # what a view is a view of
    _path: tuple[Any, Op, dict[str, Any]] | None = None  # the last step from there to the view, after those before it
    _taken: int = -1  # when the view was taken
    _records: bool = True  # whether it was taken while operations were recorded
    _given: int = -1  # when other data was given to the tensor
    _cut: Cut | None = None  # what cut this off from the graph, for a tensor that depends on one that requires grad

    __hash__ = object.__hash__
    _repr_html_ = shown_in_notebooks_by("tensor_html")

    # -- the graph -------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        if self._base is not None and writes.moved > 0:
            catch_up((self,))
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        if self.node is not None:
            if not value:
                raise GraphError(
                    "only a leaf's requires_grad can be changed; to use this tensor without its graph, use t.detach()"
                )
            return
        if value and self.array.dtype.kind != "f":
            raise DtypeError(
                f"only floating-point tensors can require grad, got {self.array.dtype}; convert it first: t.float()"
            )
        remark("it sets requires_grad")
        self._requires_grad = bool(value)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Set ``requires_grad`` and return the tensor.

        Parameters
        ----------
        requires_grad : bool
            Whether operations on this tensor are recorded.

        Returns
        -------
        Tensor
            This one.
        """
        self.requires_grad = requires_grad
        return self

    @property
    def grad_fn(self) -> Node | None:
        if self._base is not None:
            catch_up((self,))
        return self.node

    @property
    def is_leaf(self) -> bool:
        """Whether this tensor was made by the user, not by a recorded operation."""
        return self.grad_fn is None

    @property
    def grad(self) -> Tensor | None:
        return self._grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None:
            if not isinstance(value, Tensor):
                raise TypeError(f"a gradient is a Tensor or None, got {type(value).__name__}")
            if value is self:
                raise GraphError("a tensor cannot be its own gradient")
            if value.array.shape != self.array.shape:
                raise ShapeError(f"a gradient of shape {value.shape} does not fit a tensor of shape {self.shape}")
            if value.array.dtype != self.array.dtype:
                raise DtypeError(f"a gradient of dtype {value.dtype} does not fit a tensor of dtype {self.dtype}")
        remark("it sets gradients")
        self._grad = value

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is not a leaf, in its ``grad``.

        Raises
        ------
        GraphError
            If the tensor does not require grad.
        """
        if not self.requires_grad:
            raise GraphError("retain_grad() needs a tensor that requires grad")
        if self.node is None or self.retains_grad:
            return
        remark("it registers hooks or retains gradients")
        self.node.retain = weakref.ref(self)  # the node must not keep its own output alive

    @property
    def retains_grad(self) -> bool:
        """Whether `retain_grad` was called on this tensor."""
        return self.grad_fn is not None and self.grad_fn.retain is not None

    def detach(self) -> Tensor:
        """The same values outside the graph: shared memory, ``requires_grad=False``."""
        return self._outside("by detach()", sys._getframe(1))

    def _outside(self, how: str, caller: FrameType) -> Tensor:
        """The same values outside the graph, and the note of how they came there."""
        out = wrap(self.array)
        out._version = self._versioned()
        out._cut = self._cut_by(how, caller)
        return out

    def _cut_by(self, how: str, caller: FrameType) -> Cut | None:
        """What to note on a tensor that has the values of this one but not its history."""
        return (how, (caller.f_code, caller.f_lasti)) if self._requires_grad else self._cut

    @property
    def data(self) -> Tensor:
        """The same values outside the graph; assigning to it replaces the values of this tensor."""
        return self._outside("by data", sys._getframe(1))

    @data.setter
    def data(self, value: Tensor) -> None:
        if not isinstance(value, Tensor):
            raise TypeError(f"data must be a Tensor, got {type(value).__name__}")
        if self._requires_grad and value.array.dtype.kind != "f":
            raise DtypeError(f"the data of a tensor that requires grad must be floating-point, got {value.dtype}")
        if self.node is not None and (value.shape != self.shape or value.dtype != self.dtype):
            raise ShapeError(
                f"data of {label.describe(value)} in place of {label.describe(self)}, which {label.title(self.node)} "
                "computed, would give gradients that do not fit what it was computed from; use a new tensor, or "
                "t.detach() first"
            )
        remark("it gives tensors other data")
        self._given = next(creation)
        version = value._versioned()  # a write to either is now a write to both
        if version is not self._version:
            self._base = self._path = None
            self.look_elsewhere(version, self._given)
            if self.node is not None:
                self.node.look_elsewhere(version, self._given)
        self.array = value.array  # graphs that kept the old values keep them, and stay right

    @property
    def version(self) -> int:
        """The number of the last write to the memory of this tensor, later ones being larger; -1 before the first."""
        return -1 if self._version is None else self._version.written

    @property
    def is_stale(self) -> bool:
        """Whether this is a view whose base was changed by a recorded operation in place since the view was taken."""
        return self._base is not None and self._version is not None and self._version.moved > self._taken

    @property
    def is_left_behind(self) -> bool:
        """Whether this is a view whose base was given other data, in other memory, since the view was taken."""
        return self._base is not None and self._base._since > self._taken

    def _versioned(self) -> Version:
        """The record of the writes to this tensor's memory, made when first needed."""
        if self._version is None:
            self._version = Version()
            if self.node is not None:
                self.node._version = self._version
        return self._version

    def _look_at(self, source: Tensor, op: Op, options: dict[str, Any]) -> None:
        """Note that this tensor shares the memory of the one that it was computed from, if it does."""
        array = self.array
        if np.may_share_memory(array, source.array) or (not array.size and array.base is not None):  # or holds nothing
            self._be_view(source, op, options, current.get().recording)
            if self.node is not None:
                self.node._version = self._version

    def _be_view(self, source: Tensor, op: Op, options: dict[str, Any], recording: bool) -> None:
        """Note that this tensor shares the memory of the one that it was computed from."""
        self._base = source if source._base is None else source._base
        self._path = (source._path, op, options)
        self._version = source._version or source._versioned()
        self._taken = next(creation)
        self._records = recording and source._records

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> Handle:
        """Call a function with the gradient of this tensor whenever that is computed.

        Parameters
        ----------
        hook : callable
            Given the gradient; what it returns, if anything, takes its place.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.

        Raises
        ------
        GraphError
            If the tensor does not require grad.
        ShapeError
            In the backward pass, if the hook returns a gradient of another shape or dtype.
        """
        if not self.requires_grad:
            raise GraphError("cannot register a hook on a tensor that does not require grad")

        def call(g: Any) -> Any:
            given = g if isinstance(g, Tensor) else wrap(g)
            replaced = hook(given)
            if replaced is None:
                return g
            if not isinstance(replaced, Tensor):
                raise TypeError(f"a hook must return a Tensor or None, got {type(replaced).__name__}")
            if replaced.shape != given.shape or replaced.dtype != given.dtype:
                raise ShapeError(
                    f"a hook returned a gradient of {label.describe(replaced)} in place of {label.describe(given)}"
                )
            return replaced if isinstance(g, Tensor) else replaced.array

        remark("it registers hooks or retains gradients")
        owner = self if self.node is None else self.node
        if owner.hooks is None:
            owner.hooks = []
        owner.hooks.append(call)
        return Handle(owner.hooks, call)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> Handle:
        """Call a function with this leaf whenever ``backward()`` has added to its ``grad``.

        Parameters
        ----------
        hook : callable
            Given the tensor itself; what it returns does not matter.

        Returns
        -------
        Handle
            Its ``remove()`` takes the hook away.

        Raises
        ------
        GraphError
            If the tensor is no leaf that requires grad.
        """
        if not (self.requires_grad and self.is_leaf):
            raise GraphError("a hook on the accumulation of gradients needs a leaf that requires grad")
        remark("it registers hooks or retains gradients")
        self.hooks = self.hooks or []  # the backward pass looks for more where there are hooks
        self.after = self.after or []
        self.after.append(hook)
        return Handle(self.after, hook)

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        """A leaf of its own, with the same values, gradient and name."""
        out: Tensor = rebuild(*self._parts(copy.deepcopy(self._grad, memo), self.array.copy()))
        memo[id(self)] = out
        return out

    def __copy__(self) -> Tensor:
        """A leaf on the same memory."""
        out: Tensor = rebuild(*self._parts(self._grad, self.array))
        out._version = self._versioned()
        return out

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, self._parts(self._grad, self.array)

    def _parts(self, grad: Tensor | None, array: Any) -> tuple[Any, ...]:
        """What a copy is made of; hooks stay behind."""
        if self.node is not None:
            raise GraphError(
                f"only leaves can be copied or pickled, and this tensor was computed by {label.title(self.node)}"
                f"{label.at(self.node)}; use t.detach()"
            )
        return type(self), array, self._requires_grad, grad, self.name

    # -- the array -------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def device(self) -> Device:
        return cpu

    @property
    def itemsize(self) -> int:
        return self.array.itemsize

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    @property
    def T(self) -> Tensor:
        """The transpose: all axes in reverse order."""
        return apply(shaping.permute, self, dims=tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> Tensor:
        """The transpose of the last two axes."""
        if self.ndim < 2:
            raise ShapeError(f"mT needs at least 2 dimensions, got shape {self.shape}")
        return apply(shaping.permute, self, dims=(*range(self.ndim - 2), self.ndim - 1, self.ndim - 2))

    def dim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    ndimension = dim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or its entry `dim`.

        Parameters
        ----------
        dim : int, optional
            The axis; all without it.

        Returns
        -------
        tuple of int, or int
        """
        return self.array.shape if dim is None else self.array.shape[dim]

    def numel(self) -> int:
        """The number of elements."""
        return self.array.size

    nelement = numel

    def item(self) -> Any:
        """The value of a tensor of one element, as a Python number.

        Raises
        ------
        ShapeError
            If there is not exactly one element.
        """
        if self.array.size != 1:
            raise ShapeError(f"item() needs a tensor of one element, got shape {self.shape}")
        look_at_values()
        return self.array.item()

    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        look_at_values()
        return self.array.tolist()

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values as a NumPy array: shared memory, read-only, so that no write goes unseen.

        Raises
        ------
        GraphError
            If the tensor requires grad, outside of `no_grad`; use ``t.detach().numpy()``.
        """
        look_at_values()
        if self._requires_grad and current.get().recording:
            raise GraphError("numpy() on a tensor that requires grad would lose its graph; use t.detach().numpy()")
        view = self.array.view()
        view.flags.writeable = False
        return view

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if any(isinstance(target, np.ndarray) for target in kwargs.get("out", ())):
            raise TypeError(f"np.{ufunc.__name__} cannot write into an array here; write a = a + t instead of a += t")
        return self.__array_function__(ufunc if method == "__call__" else (ufunc, method), (), inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        """Let NumPy's functions record themselves: ``np.exp(t)`` is ``microbp.exp(t)``."""
        if function not in numpy_rows:
            import_module("microbp.functions.interop_all")
        row = numpy_rows.get(function)
        if row is None:
            name = label.numpy_name(function)
            raise TypeError(f"{name} has no counterpart for tensors; use t.detach().numpy() to leave the graph")
        for option in OTHER_WAYS:
            if kwargs.pop(option, None) is not None:
                raise TypeError(f"{label.numpy_name(function)} of a tensor takes no {option}=; {OTHER_WAYS[option]}")
        return row(*args, **kwargs)

    apply_op = staticmethod(apply)  # what a row does that is called with a tensor among its arguments

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return (self[k] for k in range(len(self)))

    def __bool__(self) -> bool:
        if self.array.size != 1:
            raise ShapeError(f"the truth of a tensor of shape {self.shape} is ambiguous; use t.any() or t.all()")
        look_at_values()
        return bool(self.array.item())

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.array.dtype.kind not in "iub":
            raise TypeError(f"only an integer tensor can be an index, got {self.dtype}")
        return int(self.item())

    def __contains__(self, value: Any) -> bool:
        look_at_values()
        return bool((self.array == as_operand(value)).any())

    # -- operators -------------------------------------------------------------------------

    def __add__(self, other: Any) -> Tensor:
        return apply(arithmetic.add, self, other)

    def __radd__(self, other: Any) -> Tensor:
        return apply(arithmetic.add, other, self)

    def __sub__(self, other: Any) -> Tensor:
        return apply(arithmetic.sub, self, other)

    def __rsub__(self, other: Any) -> Tensor:
        return apply(arithmetic.sub, other, self)

    def __mul__(self, other: Any) -> Tensor:
        return apply(arithmetic.mul, self, other)

    def __rmul__(self, other: Any) -> Tensor:
        return apply(arithmetic.mul, other, self)

    def __truediv__(self, other: Any) -> Tensor:
        return apply(arithmetic.div, self, other)

    def __rtruediv__(self, other: Any) -> Tensor:
        return apply(arithmetic.div, other, self)

    def __pow__(self, other: Any) -> Tensor:
        return apply(arithmetic.pow, self, other)

    def __rpow__(self, other: Any) -> Tensor:
        return apply(arithmetic.pow, other, self)

    def __mod__(self, other: Any) -> Tensor:
        return apply(arithmetic.remainder, self, other)

    def __rmod__(self, other: Any) -> Tensor:
        return apply(arithmetic.remainder, other, self)

    def __floordiv__(self, other: Any) -> Tensor:
        return apply(arithmetic.floor_divide, self, other)

    def __rfloordiv__(self, other: Any) -> Tensor:
        return apply(arithmetic.floor_divide, other, self)

    def __matmul__(self, other: Any) -> Tensor:
        return self.matmul(other)  # not the row, which takes no vectors

    def __rmatmul__(self, other: Any) -> Tensor:
        left = as_operand(other)
        return left.matmul(self) if isinstance(left, Tensor) else NotImplemented

    def __neg__(self) -> Tensor:
        return apply(arithmetic.neg, self)

    def __pos__(self) -> Tensor:
        return self

    def __abs__(self) -> Tensor:
        return apply(elementwise.abs, self)

    def __eq__(self, other: Any) -> Tensor:  # type: ignore[override]
        return NotImplemented if is_no_number(other) else apply(comparison.eq, self, other)

    def __ne__(self, other: Any) -> Tensor:  # type: ignore[override]
        return NotImplemented if is_no_number(other) else apply(comparison.ne, self, other)

    def __lt__(self, other: Any) -> Tensor:
        return apply(comparison.lt, self, other)

    def __le__(self, other: Any) -> Tensor:
        return apply(comparison.le, self, other)

    def __gt__(self, other: Any) -> Tensor:
        return apply(comparison.gt, self, other)

    def __ge__(self, other: Any) -> Tensor:
        return apply(comparison.ge, self, other)

    def __and__(self, other: Any) -> Tensor:
        return apply(comparison.bitwise_and, self, other)

    def __rand__(self, other: Any) -> Tensor:
        return apply(comparison.bitwise_and, other, self)

    def __or__(self, other: Any) -> Tensor:
        return apply(comparison.bitwise_or, self, other)

    def __ror__(self, other: Any) -> Tensor:
        return apply(comparison.bitwise_or, other, self)

    def __xor__(self, other: Any) -> Tensor:
        return apply(comparison.bitwise_xor, self, other)

    def __rxor__(self, other: Any) -> Tensor:
        return apply(comparison.bitwise_xor, other, self)

    def __invert__(self) -> Tensor:
        return apply(comparison.bitwise_not, self)
