"""A graph of the plain data that encoding.py makes of it."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from theano.compile.mode import get_mode
from theano.gof.graph import Apply, Variable
from theano.gof.type import SingletonType
from theano.gof.utils import scratchpad
from theano.misc.frozendict import frozendict
from theano.scan_module.scan_op import Scan

from theano_today.kept_graphs import encoding as e

_PACKAGES = ("theano", "theano_today")
_VALUES = ("builtins", "numpy")


class Decoder:
    """Puts together what records say, behind what is there already.

    Parameters
    ----------
    objects, arrays, traces, texts : list
        What is there, as in an `encoding.Encoder`; they are not changed.
    """

    def __init__(self, objects: Sequence, arrays: Sequence, traces: Sequence, texts: Sequence):
        self.objects: list[Any] = list(objects)
        self.arrays = list(arrays)
        self.traces = traces
        self.texts = list(texts)
        self._classes: dict[tuple, type] = {}
        self._plain: dict[int, Callable] = {
            e.TUPLE: lambda p: tuple(map(self.value, p[1:])),
            e.LIST: lambda p: list(map(self.value, p[1:])),
            e.DICT: lambda p: dict(self._pairs(p)),
            e.ORDERED: lambda p: OrderedDict(self._pairs(p)),
            e.FROZEN: lambda p: frozendict(self._pairs(p)),
            e.SET: lambda p: set(map(self.value, p[1:])),
            e.FROZEN_SET: lambda p: frozenset(map(self.value, p[1:])),
            e.SLICE: lambda p: slice(*map(self.value, p[1:])),
            e.TEXT: lambda p: self.texts[p[1]],
            e.OBJECT: lambda p: self.objects[p[1]],
            e.ARRAY: lambda p: self.arrays[p[1]],
            e.SMALL_ARRAY: lambda p: array(*p[1:]),
            e.NUMBER: lambda p: np.frombuffer(p[2], p[1])[0],
            e.DTYPE: lambda p: np.dtype(p[1]),
            e.CLASS: lambda p: self._class(p[1:]),
            e.FUNCTION: lambda p: _named(p[1], p[2]),
        }

    def add(self, records: Sequence[tuple]) -> None:
        """Make what these records say, and note it behind the other objects."""
        for record in records:
            kind = record[0]
            if kind == e.NODE:
                if len(record) > 1:
                    self._node(record)
            elif kind == e.INSTANCE:
                self.objects.append(self._instance(*record[1:]))
            else:
                v = self._variable(*record[1:5])
                if kind == e.CONSTANT:
                    v.data = self.value(record[5])
                self.objects.append(v)

    def value(self, plain: Any) -> Any:
        return self._plain[plain[0]](plain) if type(plain) is tuple else plain

    def tag(self, plain: tuple) -> scratchpad:
        tag = scratchpad()
        attributes = vars(tag)
        for i in range(0, len(plain), 2):
            name, value = plain[i], plain[i + 1]
            if name == "trace":
                attributes[name] = [self.traces[n] for n in value]
            else:
                attributes[name] = self.value(value)
        return tag

    def _pairs(self, p: tuple) -> list[tuple]:
        return [(self.value(p[i]), self.value(p[i + 1])) for i in range(1, len(p), 2)]

    def _variable(self, cls: tuple, type_: int, name: str | None, tag: tuple) -> Any:
        made: Any = self._class(cls)
        v = made.__new__(made)
        Variable.__init__(v, self.objects[type_], name=name)
        if tag:
            v.tag = self.tag(tag)
        return v

    def _node(self, record: tuple) -> None:
        _, op, inputs, outputs, tag = record
        objects = self.objects
        node: Any = Apply.__new__(Apply)
        node.op = objects[op]
        node.inputs = [objects[i] for i in inputs]
        node.outputs = []
        node.tag = self.tag(tag)
        for i, output in enumerate(outputs):
            v = self._variable(*output)
            v.owner, v.index = node, i
            node.outputs.append(v)
            objects.append(v)

    def _instance(self, name: tuple, state: tuple, items: tuple | None) -> Any:
        cls: Any = self._class(name)
        x: Any = cls.__new__(cls)
        if issubclass(cls, SingletonType) and vars(x):
            return x  # the only one
        if items is not None:
            if items[0] == e.LIST:
                list.extend(x, map(self.value, items[1:]))
            else:
                for key, value in self._pairs(items):
                    dict.__setitem__(x, key, value)
        values: Any
        if len(state) == 1:
            values = self.value(state[0])
        else:
            values = {state[i]: self.value(state[i + 1]) for i in range(0, len(state), 2)}
        if cls is Scan:
            _set_state_of_scan(x, values)
        elif hasattr(cls, "__setstate__"):
            x.__setstate__(values)
        else:
            vars(x).update(values)
        return x

    def _class(self, name: tuple) -> type:
        found = self._classes.get(name)
        if found is None:
            found = self._classes[name] = _named(*name)
        return found


def array(dtype: str, shape: tuple, order: str, writeable: bool, contents: bytes) -> np.ndarray:
    """Return the array of which `encoding` has written this."""
    c_order = shape if order == "C" else shape[::-1]
    made = np.frombuffer(contents, dtype).reshape(c_order).copy()
    if order != "C":
        made = made.T
    made.flags.writeable = writeable
    return made


def _named(module: str, name: str) -> Any:
    if module.partition(".")[0] not in _PACKAGES and module not in _VALUES:
        raise ValueError(f"{module}.{name}: not of Theano")
    x: Any = importlib.import_module(module)
    for part in name.split("."):
        x = getattr(x, part)
    return x


def _set_state_of_scan(op: Any, state: dict[str, Any]) -> None:
    """As Scan.__init__, for what it computes for each process anew."""
    vars(op).update(state)
    mode = get_mode(op.mode)
    message = f"{op.name} sub profile" if op.name else "Scan sub profile"
    op.mode_instance = mode.clone(link_kwargs={"allow_gc": op.allow_gc}, message=message)
    op._hash_inner_graph = op.info["gpu_hash"] if op.info["gpua"] else hash(op._cmodule_key)
