"""A graph as plain data: the same graph, in whichever process, gives the same bytes.

What is encoded becomes a table of records, one for each variable, node, Op, type and array, in
the order in which they are met. A record names others by their place in the table, and an object
that is met again by its place: which objects are one and the same is part of what is encoded.
Only types, which are values, are one where they are equal.

Records are tuples of None, bool, int, float, complex, str, bytes and of such tuples, which
marshal writes as bytes. Its version 2 knows no references, so that equal data has equal bytes.

Lines of the program, where variables were made, are numbered: two variables of one line have the
same number, whatever line it is.
"""

from __future__ import annotations

import hashlib
import marshal
import sys
from collections import OrderedDict
from collections.abc import Iterable
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np
from theano.gof.fg import FunctionGraph
from theano.gof.graph import Apply, Constant, Variable
from theano.gof.op import PureOp
from theano.gof.type import PureType
from theano.gof.utils import scratchpad
from theano.misc.frozendict import frozendict
from theano.scalar.basic import Composite
from theano.scan_module.scan_op import Scan

from theano_today.kept_graphs import ours

_BARE = frozenset({type(None), bool, int, float, complex, str, bytes})
# What a tuple begins with that stands for something else
TUPLE, LIST, DICT, ORDERED, FROZEN, SET, FROZEN_SET, SLICE, TEXT = range(9)
OBJECT, TRACE, ARRAY, SMALL_ARRAY, NUMBER, DTYPE, CLASS, FUNCTION = range(9, 17)
# What a record begins with
INPUT, CONSTANT, NODE, INSTANCE = range(4)

_LONG = 100  # characters: C code, which many an Op has
_SMALL = 64  # bytes of an array
# What variables and nodes hold besides what is encoded: their place in this process
_OF_VARIABLES = frozenset(
    (
        "tag", "type", "owner", "index", "name", "auto_name", "clients", "fgraph", "_fn_cache",
        "_is_nonzero",  # of what a comparison returns; no clone has it
    )
)  # fmt: skip
_OF_CONSTANTS = _OF_VARIABLES | {"data", "cached"}
_OF_NODES = frozenset(("op", "inputs", "outputs", "tag", "fgraph", "deps"))
# What graphs note about themselves, and what nodes keep once they have run
_NOTES = frozenset({"imported_by", "removed_by", "fake_node", "ufunc"})
# What a scan has computed for this process alone, or when it was compiled
SCAN_DERIVED = frozenset(
    (
        "_hash_inner_graph", "mode_instance", "fn", "mitmots_preallocated", "inps_is_tensor",
        "outs_is_tensor", "t_call", "t_fn",
    )
)  # fmt: skip


class UnsupportedError(Exception):
    """A graph holds something that cannot be encoded; the message says what."""


def as_bytes(plain: Any) -> bytes:
    """Return plain data as bytes, which are equal for equal data."""
    try:
        return marshal.dumps(plain, 2)
    except ValueError as error:
        raise UnsupportedError(f"not plain data: {error}") from None


def digest(plain: Any) -> bytes:
    return hashlib.sha256(as_bytes(plain)).digest()


class Encoder:
    """Encodes variables, and what they are made of.

    Attributes
    ----------
    records : list of tuple
    objects : list
        What the records stand for.
    arrays : list of ndarray
        Those that are not small; `array_records` tell them apart.
    traces : list of list of tuple
        The different places in programs, as Theano writes them.
    texts : list of str
        Long texts.
    """

    def __init__(self, code: ours.Code | None = None) -> None:
        self.code = code or ours.Code()
        self.records: list[tuple] = []
        self.objects: list[Any] = []
        self.arrays: list[np.ndarray] = []
        self.array_records: list[tuple] = []
        self.traces: list[list] = []
        self.texts: list[str] = []
        # Whether it can all be put together again: the arrays' records hold sums of them otherwise.
        self.contents = False
        self.new_traces = True  # whether places may be met that were not met before
        self._known: dict[int, int] = {}  # by id; `objects` and `_alive` keep what has it
        self._own: dict[int, int] = {}  # the same for the variables of the graph in hand
        self._types: dict[bytes, int] = {}
        self._array_of: dict[int, int] = {}
        self._trace_of: dict[tuple, int] = {}
        self._tags: dict[int, tuple] = {}
        self._text_of: dict[str, int] = {}
        self._busy: set[int] = set()
        self._alive: list[Any] = []

    def fork(self) -> Encoder:
        """Return another that knows the same, and whose arrays are written in full.

        It refuses variables of lines of the program that are not known yet.
        """
        other = Encoder(self.code)
        for name, value in vars(self).items():
            if type(value) in (list, dict):
                setattr(other, name, value.copy())
        other.contents, other.new_traces = True, False
        other._own = {}
        return other

    # ---- variables and nodes ---------------------------------------------------------------

    def add_inputs(self, inputs: Iterable[Variable]) -> tuple[int, ...]:
        """Encode the inputs of a graph, variables without an owner, and return their places."""
        places = []
        for v in inputs:
            if id(v) in self._known:
                raise UnsupportedError("an input twice")
            places.append(self._add(v, self._input_record(v)))
        return tuple(places)

    def add_nodes(self, nodes: Iterable[Apply]) -> None:
        """Encode nodes, each behind those that it reads from, as those of the graph in hand.

        Another call for the same nodes encodes them again; all else that is known stays known.
        """
        self._own = {}
        for node in nodes:
            self._add_node(node, self._own)

    def place(self, v: Variable) -> int:
        """Return the place of a variable in the table; its ancestors are encoded where needed."""
        found = self._own.get(id(v))
        if found is None:
            found = self._known.get(id(v))
        return self._walked(v) if found is None else found

    def also(self, v: Any, place: int) -> None:
        """Let `v` be what is in the table at `place`."""
        self._known[id(v)] = place
        self._alive.append(v)

    def knows(self, v: Any) -> int | None:
        return self._known.get(id(v))

    def record_again(self, place: int) -> tuple:
        """Return the record of an object as it is now; but of a graph's own nodes, as it was."""
        x = self.objects[place]
        if isinstance(x, Constant):
            return self._constant_record(x)
        if not isinstance(x, Variable):
            return self._instance_record(x)
        if x.owner is None:
            return self._input_record(x)
        if self._known.get(id(x)) != place or len(self.records[place]) == 1:
            return self.records[place]
        return self._node_record(x.owner, self._known)

    def _add(self, x: Any, record: tuple) -> int:
        place = len(self.records)
        self.records.append(record)
        self.objects.append(x)
        self._known[id(x)] = place
        return place

    def _walked(self, v: Variable) -> int:
        """Encode a variable of an Op's inner graph, and what it is computed from."""
        if not isinstance(v, Variable):
            raise UnsupportedError(f"{type(v).__name__} among variables")
        waiting = [v]
        while waiting:
            top = waiting[-1]
            if id(top) in self._known:
                waiting.pop()
                continue
            node = top.owner
            if node is None:
                waiting.pop()
                self._root(top)
                continue
            missing = [x for x in node.inputs if id(x) not in self._known and x.owner is not None]
            if not missing:
                waiting.pop()
                self._add_node(node, self._known)
            elif len(waiting) > 1_000_000:
                raise UnsupportedError("a cycle")
            else:
                waiting += reversed(missing)
        return self._known[id(v)]

    def _root(self, v: Variable) -> int:
        constant = isinstance(v, Constant)
        return self._add(v, self._constant_record(v) if constant else self._input_record(v))

    def _add_node(self, node: Apply, known: dict[int, int]) -> None:
        record = self._node_record(node, known)
        place = len(self.records)
        # One place for each output; the record is that of the first.
        for i, v in enumerate(node.outputs):
            self.records.append(record if not i else (NODE,))
            self.objects.append(v)
            known[id(v)] = place + i

    def _node_record(self, node: Apply, known: dict[int, int]) -> tuple:
        if type(node) is not Apply or not vars(node).keys() <= _OF_NODES:
            raise UnsupportedError(f"a node of type {type(node).__name__} with {list(vars(node))}")
        op = self.instance(node.op)
        inputs = []
        for v in node.inputs:
            place = known.get(id(v))
            if place is None:
                place = self._known.get(id(v))
                if place is None:
                    if v.owner is not None:
                        raise UnsupportedError("a node before what it reads from")
                    place = self._root(v)
            inputs.append(place)
        outputs = tuple(self._variable(v, _OF_VARIABLES) for v in node.outputs)
        return NODE, op, tuple(inputs), outputs, self.tag(node.tag)

    def _variable(self, v: Variable, attributes: frozenset[str]) -> tuple:
        if not vars(v).keys() <= attributes:
            raise UnsupportedError(f"a variable with {sorted(vars(v).keys() - attributes)}")
        if v.name is not None and type(v.name) is not str:
            raise UnsupportedError(f"a name of type {type(v.name).__name__}")
        return self._class(type(v)), self.instance(v.type), v.name, self.tag(v.tag)

    def _input_record(self, v: Variable) -> tuple:
        if v.owner is not None or isinstance(v, Constant):
            raise UnsupportedError("an input that is computed")
        return INPUT, *self._variable(v, _OF_VARIABLES | {"container"})

    def _constant_record(self, v: Constant) -> tuple:
        return CONSTANT, *self._variable(v, _OF_CONSTANTS), self.plain(v.data)

    def tag(self, tag: scratchpad) -> tuple:
        """Return names and values of a tag's attributes."""
        if type(tag) is not scratchpad:
            raise UnsupportedError(f"a tag of type {type(tag).__name__}")
        attributes = vars(tag)
        if not attributes:
            return ()
        encoded: list[Any] = []
        for name in sorted(attributes):
            value = attributes[name]
            if name == "trace":
                encoded += name, self._trace(value)
            elif name not in _NOTES:
                encoded += name, self.plain(value)
        return tuple(encoded)

    def _trace(self, trace: list) -> tuple:
        found = self._tags.get(id(trace))
        if found is None:
            if type(trace) is not list:
                raise UnsupportedError(f"a trace of type {type(trace).__name__}")
            found = self._tags[id(trace)] = tuple(map(self._place_in_program, trace))
            self._alive.append(trace)
        return found

    def _place_in_program(self, stack: list) -> int:
        if type(stack) is not list:
            raise UnsupportedError(f"a stack of type {type(stack).__name__}")
        key = tuple(stack)
        number = self._trace_of.get(key)
        if number is None:
            if not self.new_traces:
                raise UnsupportedError("a variable of a place that is not the program's")
            number = self._trace_of[key] = len(self.traces)
            self.traces.append(stack)
        return number

    # ---- Ops, types, and whatever they hold ------------------------------------------------

    def instance(self, x: Any) -> int:
        """Return the place of an Op, a type or another object of Theano's in the table."""
        place = self._known.get(id(x))
        if place is not None:
            return place
        if id(x) in self._busy:
            raise UnsupportedError(f"{type(x).__name__} holds itself")
        self._busy.add(id(x))
        try:
            record = self._instance_record(x)
        finally:
            self._busy.discard(id(x))
        if type(x).__eq__ is object.__eq__ and isinstance(x, PureType | PureOp):
            # Another would be another Op or type to Theano.
            if self.contents:
                raise UnsupportedError(f"a new {type(x).__name__}, equal to itself alone")
        elif isinstance(x, PureType):
            content = as_bytes(record)
            place = self._types.get(content)
            if place is not None:
                self.also(x, place)
                return place
            place = self._types[content] = self._add(x, record)
            return place
        return self._add(x, record)

    def _instance_record(self, x: Any) -> tuple:
        cls = type(x)
        if isinstance(x, Apply | FunctionGraph | scratchpad):
            raise UnsupportedError(f"{cls.__name__} where none is expected")
        name = self._class(cls)
        return INSTANCE, name, self._state(x, cls), self._items(x)

    def _state(self, x: Any, cls: type) -> tuple:
        if cls.__reduce_ex__ is not object.__reduce_ex__ or cls.__reduce__ is not object.__reduce__:
            raise UnsupportedError(f"{cls.__name__} says itself how it is pickled")
        if not hasattr(x, "__dict__") or any(
            slot not in ("__weakref__", "__dict__")
            for base in cls.__mro__
            for slot in base.__dict__.get("__slots__", ())
        ):
            raise UnsupportedError(f"{cls.__name__} has slots")
        if cls is Scan:
            state = _state_of_scan(x)
        elif getattr(cls, "__getstate__", None) is not getattr(object, "__getstate__", None):
            state = x.__getstate__()
        else:
            state = vars(x)
        if cls is Composite:
            state["name"] = None  # made when it is printed, of numbers in any order
        if type(state) is not dict:
            return (self.plain(state),)
        encoded: list[Any] = []
        for key in sorted(state):
            encoded += key, self.plain(state[key])
        return tuple(encoded)

    def _items(self, x: Any) -> tuple | None:
        """Return the items of what is a dictionary or a list besides."""
        if isinstance(x, dict):
            return DICT, *(self.plain(i) for item in dict.items(x) for i in item)
        if isinstance(x, list):
            return LIST, *map(self.plain, list.__iter__(x))
        if isinstance(x, tuple | set | frozenset | str | bytes | int | float):
            raise UnsupportedError(f"{type(x).__name__}, derived from a value")
        return None

    def _class(self, cls: type) -> tuple[str, str]:
        if not self.code.is_ours(cls):
            raise UnsupportedError(f"{cls.__module__}.{cls.__qualname__}: {self.code.why}")
        return cls.__module__, cls.__qualname__

    def plain(self, x: Any) -> Any:
        """Return anything as plain data."""
        cls = type(x)
        if cls is str:
            return x if len(x) < _LONG else (TEXT, self._text(x))
        if cls in _BARE:
            return x
        if cls is tuple:
            return TUPLE, *map(self.plain, x)
        if cls is list:
            return LIST, *map(self.plain, x)
        if cls is dict:
            return DICT, *(self.plain(i) for item in x.items() for i in item)
        if isinstance(x, Variable):
            return OBJECT, self.place(x)
        return self._other(x, cls)

    def _other(self, x: Any, cls: type) -> tuple:
        if cls is OrderedDict:
            return ORDERED, *(self.plain(i) for item in x.items() for i in item)
        if cls is frozendict:
            return FROZEN, *(self.plain(i) for item in x.items() for i in item)
        if cls is set or cls is frozenset:
            kind = SET if cls is set else FROZEN_SET
            return kind, *sorted(map(self.plain, x), key=as_bytes)
        if cls is slice:
            return SLICE, *map(self.plain, (x.start, x.stop, x.step))
        if cls is np.ndarray:
            return self._array(x)
        if isinstance(x, np.generic):
            if x.dtype.hasobject or x.dtype.kind not in "biufcSU":
                raise UnsupportedError(f"a number of type {x.dtype}")
            return NUMBER, x.dtype.str, x.tobytes()
        if isinstance(x, np.dtype):
            if x.kind not in "biufc":
                raise UnsupportedError(f"the dtype {x}")
            return DTYPE, x.str
        if isinstance(x, type):
            return CLASS, *self._named_class(x)
        if cls is FunctionType or cls is BuiltinFunctionType or cls is np.ufunc:
            return self._function(x)
        return OBJECT, self.instance(x)

    def _named_class(self, cls: type) -> tuple[str, str]:
        if cls.__module__ in ("builtins", "numpy"):
            if getattr(sys.modules[cls.__module__], cls.__name__, None) is cls:
                return cls.__module__, cls.__qualname__
            raise UnsupportedError(f"the class {cls.__name__}")
        return self._class(cls)

    def _function(self, f: Any) -> tuple:
        module = "numpy" if isinstance(f, np.ufunc) else f.__module__
        name = f.__name__ if isinstance(f, np.ufunc) else f.__qualname__
        if ours.found(module, name) is not f or not self.code.is_our_function(f):
            raise UnsupportedError(f"the function {module}.{name}")
        return FUNCTION, module, name

    def _text(self, x: str) -> int:
        number = self._text_of.get(x)
        if number is None:
            number = self._text_of[x] = len(self.texts)
            self.texts.append(x)
        return number

    def _array(self, x: np.ndarray) -> tuple:
        if x.dtype.kind not in "biufc":
            raise UnsupportedError(f"an array of type {x.dtype}")
        if x.nbytes <= _SMALL:
            return SMALL_ARRAY, *_layout(x), x.tobytes("A")
        number = self._array_of.get(id(x))
        if number is None:
            contents = x.tobytes("A")
            if not self.contents:
                contents = hashlib.sha256(contents).digest()
            number = self._array_of[id(x)] = len(self.arrays)
            self.arrays.append(x)
            self.array_records.append((*_layout(x), contents))
        return ARRAY, number


def _layout(x: np.ndarray) -> tuple:
    """Return dtype, shape, order of an array in memory, and whether it can be written to."""
    if x.flags.c_contiguous:
        order = "C"
    elif x.flags.f_contiguous:
        order = "F"
    else:
        raise UnsupportedError("an array that is not contiguous")
    return x.dtype.str, tuple(map(int, x.shape)), order, bool(x.flags.writeable)


def _state_of_scan(op: Scan) -> dict[str, Any]:
    state = {k: v for k, v in vars(op).items() if k not in SCAN_DERIVED}
    # Comparing and printing scans makes empty ones.
    if not state.get("destroy_map"):
        state.pop("destroy_map", None)
    info = dict(op.info)
    if not info.get("destroy_map"):
        info.pop("destroy_map", None)
    state["info"] = info
    return state
