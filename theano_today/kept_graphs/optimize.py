"""What FunctionMaker calls instead of its optimizer: take a kept graph, or optimise and keep it.

A graph is kept with all that later steps read of it: the order of its nodes and of each variable's
clients, names and tags of its inputs, and whether what works in place is watched. Before it is
written, it is put together again in the same process, and must be the same.
"""

from __future__ import annotations

import contextlib
import logging
import time
import warnings
from types import ModuleType
from typing import Any

import numpy as np
import theano
from theano.compile.function_module import Supervisor
from theano.gof import DestroyHandler, FunctionGraph, toolbox
from theano.gof.opt import MergeFeature, SeqOptimizer
from theano.printing import Print
from theano.scan_module.scan_op import Scan
from theano.tensor.io import LoadFromDisk
from theano.tensor.opt import ShapeFeature

from theano_today.compat import source
from theano_today.kept_graphs import conditions, encoding, files, ours
from theano_today.kept_graphs.decoding import Decoder, array
from theano_today.kept_graphs.encoding import UnsupportedError

log = logging.getLogger("theano_today")

FEWEST = 60  # nodes: what fewer take is not worth looking for, but for loops
SHORTEST = 0.1  # seconds
MOST_CONSTANTS = 4 << 20  # bytes that a graph may hold which the graph of the program does not

_BEFORE = (Supervisor, toolbox.PreserveVariableAttributes, toolbox.ReplaceValidate)
_AFTER = (*_BEFORE, DestroyHandler, ShapeFeature, MergeFeature, toolbox.NoOutputFromInplace)
# What is printed or read while a graph is optimised
_SIDE_EFFECTS = (Print, LoadFromDisk)
_LAZY = "_theano_today_shapes"  # of a FunctionGraph whose ShapeFeature nobody has asked for


def patch(function_module: ModuleType) -> None:
    """Let each FunctionMaker call `optimize`."""
    vars(function_module)["_theano_today_optimize"] = optimize
    maker = function_module.FunctionMaker.__init__
    while hasattr(maker, "__wrapped__"):
        maker = maker.__wrapped__
    source.edit(
        maker,
        {
            "optimizer_profile = optimizer(fgraph)": (
                "optimizer_profile = _theano_today_optimize(optimizer, fgraph, linker, profile)"
            )
        },
    )
    FunctionGraph.__getattr__ = _shapes_if_asked


def optimize(optimizer: Any, fgraph: FunctionGraph, linker: Any, profile: Any) -> Any:
    """Do ``optimizer(fgraph)``, or change the graph to what that has made of it in another run.

    Parameters
    ----------
    optimizer : theano.gof.opt.Optimizer
    fgraph : FunctionGraph
    linker : Linker
        Which will run it.
    profile : ProfileStats, bool or None

    Returns
    -------
    What the optimizer returns, its profile; None for a graph that was kept.
    """
    if not _applies(optimizer, fgraph, profile):
        return optimizer(fgraph)
    # No program ends because its graph cannot be kept, whatever it has in it.
    try:
        before = Before(optimizer, fgraph, linker)
    except Exception as error:
        log.debug("a graph is not kept: %s", error)
        return optimizer(fgraph)
    kept = files.read(before.key)
    if kept is not None:
        try:
            before.put_in(fgraph, kept, before.encoder)
        except Exception as error:
            log.debug("a kept graph cannot be used: %s", error)
            files.remove(before.key)
        else:
            return None
    with _Listener() as heard:
        begin = time.perf_counter()
        result = optimizer(fgraph)
        took = time.perf_counter() - begin
    if took >= SHORTEST and not heard.anything:
        try:
            files.write(before.key, before.keep(fgraph))
        except Exception as error:
            log.debug("a graph is not kept: %s", error)
    return result


def _applies(optimizer: Any, fgraph: FunctionGraph, profile: Any) -> bool:
    config: Any = theano.config
    return (
        config.keep_graphs
        and type(optimizer) is SeqOptimizer
        and _is_large(fgraph)
        and not profile
        and not config.profile
        and not config.optimizer_verbose
        and config.compute_test_value_opt == "off"
        and not log.isEnabledFor(logging.INFO)
    )


def _is_large(fgraph: FunctionGraph) -> bool:
    nodes = fgraph.apply_nodes
    return len(nodes) >= FEWEST or any(type(node.op) is Scan for node in nodes)


class Before:
    """A graph as it was before it was optimised, and what the outcome depends on besides.

    Raises
    ------
    UnsupportedError
        If there is something that cannot be told from something else.
    """

    def __init__(self, optimizer: Any, fgraph: FunctionGraph, linker: Any) -> None:
        code = ours.Code()
        here = conditions.files()
        if here is None:
            raise UnsupportedError("files of Theano were changed since this process began")
        replaced = ours.replaced()
        if replaced is not None:
            raise UnsupportedError(f"{replaced} is replaced")
        self.encoder = encoder = encoding.Encoder(code)
        self.places = encoder.add_inputs(fgraph.inputs)
        self.nodes = fgraph.toposort()
        for node in self.nodes:
            if isinstance(node.op, _SIDE_EFFECTS):
                raise UnsupportedError(f"{node.op}, which has side effects")
        encoder.add_nodes(self.nodes)
        outputs = tuple(encoder.place(v) for v in fgraph.outputs)
        supervisors = _features(fgraph, _BEFORE)
        whole = (
            tuple(encoder.records),
            tuple(encoder.array_records),
            tuple(encoder.texts),
            self.places,
            outputs,
            tuple(sorted((fgraph.update_mapping or {}).items())),
            tuple(tuple(encoder.place(v) for v in s.protected) for s in supervisors),
            tuple(_value(v) for v in fgraph.inputs),
            conditions.of_optimizer(optimizer, linker, code),
            conditions.options(),
            conditions.surroundings(),
            conditions.settings(),
            _levels(),
            here,
        )
        self.key = encoding.digest(whole)
        self.count = len(encoder.records)
        self.arrays = len(encoder.arrays)
        self.texts = len(encoder.texts)
        self.inputs = list(fgraph.inputs)

    def keep(self, fgraph: FunctionGraph) -> bytes:
        """Return the optimised graph as bytes.

        Raises
        ------
        UnsupportedError
            If that graph cannot be put together again.
        """
        if fgraph.inputs != self.inputs:
            raise UnsupportedError("other inputs")
        _features(fgraph, _AFTER)
        kept = self._encoded(fgraph, self.encoder.fork())
        copied, encoder = self._put_together(kept)
        written = encoding.as_bytes(kept)
        if encoding.as_bytes(self._encoded(copied, encoder)) != written:
            raise UnsupportedError("it comes out differently")
        return written

    def _encoded(self, fgraph: FunctionGraph, encoder: encoding.Encoder) -> tuple:
        nodes = fgraph.toposort()
        encoder.add_nodes(nodes)
        outputs = tuple(encoder.place(v) for v in fgraph.outputs)
        used = {encoder.place(v) for node in nodes for v in node.inputs}
        used.update(outputs, self.places)
        changed = []  # names and tags of what was there before
        for place in range(self.count):
            before = encoder.records[place]
            now = encoder.record_again(place)
            if now != before:
                variable = before[0] in (encoding.INPUT, encoding.CONSTANT)
                if not variable or (now[:3], now[5:]) != (before[:3], before[5:]):
                    raise UnsupportedError(f"{encoder.objects[place]}, which was changed")
                changed.append((place, *now[3:5]))
        new_arrays = encoder.array_records[self.arrays :]
        if sum(len(record[-1]) for record in new_arrays) > MOST_CONSTANTS:
            raise UnsupportedError("large constants of its own")
        places = {*used, *(encoder.place(v) for node in nodes for v in node.outputs)}
        number = {node: n for n, node in enumerate(nodes)}
        number["output"] = -1
        clients = [
            (place, tuple((number[node], i) for node, i in encoder.objects[place].clients))
            for place in sorted(places)
            if len(encoder.objects[place].clients) > 1
        ]
        return (
            tuple(encoder.records[self.count :]),
            tuple(new_arrays),
            tuple(encoder.texts[self.texts :]),
            tuple(encoder.place(node.outputs[0]) for node in nodes),
            outputs,
            tuple(changed),
            tuple(clients),
            _orders(fgraph, sorted(places), number, encoder),
            has_shapes(fgraph),
        )

    def _put_together(self, kept: tuple) -> tuple[FunctionGraph, encoding.Encoder]:
        """Return the kept graph, of copies of the inputs and constants, and what encodes it."""
        encoder = self.encoder.fork()
        for place in range(self.count):
            x = encoder.objects[place]
            if encoder.records[place][0] in (encoding.INPUT, encoding.CONSTANT):
                encoder.objects[place] = x.clone()
                encoder.also(encoder.objects[place], place)
        inputs = [encoder.objects[place] for place in self.places]
        fgraph = FunctionGraph(inputs, [], clone=False)
        self.put_in(fgraph, kept, encoder)
        return fgraph, encoder

    def put_in(self, fgraph: FunctionGraph, kept: tuple, encoder: encoding.Encoder) -> None:
        """Change a graph that has this one's inputs to one that was kept.

        Whatever is wrong with what was kept raises an error, and leaves the graph as it is.
        """
        records, arrays, texts, places, outputs, changed, clients, orders, shapes = kept
        decoder = Decoder(encoder.objects, encoder.arrays, encoder.traces, encoder.texts)
        decoder.arrays += [array(*record) for record in arrays]
        decoder.texts += texts
        decoder.add(records)
        objects = decoder.objects
        nodes = [objects[p].owner for p in places]
        renamed = [(objects[p], name, decoder.tag(tag)) for p, name, tag in changed]
        ordered = [
            (objects[p], [("output" if n < 0 else nodes[n], i) for n, i in of_it])
            for p, of_it in clients
        ]
        outputs_before, before = list(fgraph.outputs), dict(vars(fgraph))
        before["_features"] = list(fgraph._features)
        made = [objects[p] for p in outputs]
        try:
            fill(fgraph, nodes, made)
            for v, of_it in ordered:
                if {(id(c), i) for c, i in of_it} != {(id(c), i) for c, i in v.clients}:
                    raise ValueError("other clients")
                v.clients = of_it
            if orders is not None:
                fgraph.attach_feature(DestroyHandler())
                _set_orders(fgraph.destroy_handler, orders, nodes, objects)
        except BaseException:
            if outputs_before:  # it is the graph of the program, no copy
                fill(fgraph, self.nodes, outputs_before)
                vars(fgraph).clear()
                vars(fgraph).update(before)
            raise
        for v, name, tag in renamed:
            v.name, v.tag = name, tag
        if shapes:
            vars(fgraph)[_LAZY] = True


def fill(fgraph: FunctionGraph, nodes: list, outputs: list) -> None:
    """Let a graph have these nodes and outputs, none of which is in a graph, and no others."""
    for v in fgraph.variables:
        for name in ("fgraph", "clients"):
            vars(v).pop(name, None)
    for node in fgraph.apply_nodes:
        for name in ("fgraph", "deps"):
            vars(node).pop(name, None)
    variables: set = set()

    def add(v: Any) -> None:
        v.fgraph, v.clients = fgraph, []
        variables.add(v)

    for v in fgraph.inputs:
        add(v)
    for node in nodes:
        node.fgraph, node.deps = fgraph, {}
        for v in node.outputs:
            add(v)
        for i, v in enumerate(node.inputs):
            if v not in variables:
                add(v)
            v.clients.append((node, i))
    for i, v in enumerate(outputs):
        if v not in variables:
            add(v)
        v.clients.append(("output", i))
    fgraph.outputs[:] = outputs
    fgraph.apply_nodes, fgraph.variables = set(nodes), variables


def _orders(fgraph: FunctionGraph, places: list, number: dict, encoder: Any) -> tuple | None:
    """Return in which order the DestroyHandler met nodes, their clients and views.

    Where nodes may run in one order or the other, it depends on that.
    """
    handler: Any = vars(fgraph).get("destroy_handler")
    if handler is None:
        return None
    clients, views = [], []
    for place in places:
        v = encoder.objects[place]
        of_it = handler.clients.get(v, ())
        if len(of_it) > 1:
            clients.append((place, tuple(number[node] for node in of_it)))
        views_of_it = handler.view_o.get(v, ())
        if len(views_of_it) > 1:
            views.append((place, tuple(map(encoder.place, views_of_it))))
    return tuple(number[node] for node in handler.destroyers), tuple(clients), tuple(views)


def _set_orders(handler: Any, orders: tuple, nodes: list, objects: list) -> None:
    destroyers, clients, views = orders
    for place, of_it in clients:
        counts = handler.clients[objects[place]]
        items = [(nodes[n], counts.pop(nodes[n])) for n in of_it]
        if counts:
            raise ValueError("other clients")
        counts.update(items)
    for place, of_it in views:
        _reorder(handler.view_o[objects[place]], [objects[p] for p in of_it])
    _reorder(handler.destroyers, [nodes[n] for n in destroyers])
    handler.stale_droot = True


def _reorder(ordered: Any, items: list) -> None:
    for x in items:
        ordered.remove(x)
    if ordered:
        raise ValueError("other views or destroyers")
    ordered.update(items)


def has_shapes(fgraph: FunctionGraph) -> bool:
    return _LAZY in vars(fgraph) or "shape_feature" in vars(fgraph)


def _shapes_if_asked(self: FunctionGraph, name: str) -> Any:
    """Return the ShapeFeature of a kept graph, which looks at each node, when somebody asks."""
    if name == "shape_feature" and vars(self).pop(_LAZY, False):
        self.attach_feature(ShapeFeature())
        return vars(self)["shape_feature"]
    raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _features(fgraph: FunctionGraph, known: tuple[type, ...]) -> list[Supervisor]:
    for feature in fgraph._features:
        if type(feature) not in known:
            raise UnsupportedError(f"a graph with {type(feature).__name__}")
    return [f for f in fgraph._features if type(f) is Supervisor]


def _value(v: Any) -> tuple | None:
    """Return type and shape of a shared variable's value, which optimisations may look at."""
    container = vars(v).get("container")
    if container is None:
        return None
    value = container.storage[0]
    kind = type(value).__module__, type(value).__qualname__
    if isinstance(value, np.ndarray | np.generic):
        return *kind, value.dtype.str, tuple(map(int, value.shape))
    return *kind, str(getattr(value, "dtype", "")), tuple(map(int, getattr(value, "shape", ())))


def _levels() -> tuple[int, ...]:
    """Return which messages are written: a warning that is not leaves no trace."""
    loggers = (logging.getLogger(name) for name in ("", "theano", "theano_today"))
    return logging.root.manager.disable, *(logger.level for logger in loggers)


class _Never(Warning):
    """A warning that nobody gives."""


class _Listener(logging.Handler):
    """Hears of each warning, shown or not, and of each message of Theano's or ours.

    The next run would not hear of it from a kept graph.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.anything = False

    def emit(self, record: logging.LogRecord) -> None:
        self.anything = True

    def match(self, text: str) -> None:
        """As of a filter's regular expression, which does not match."""
        self.anything = True

    def __enter__(self) -> _Listener:
        for name in ("theano", "theano_today"):
            logging.getLogger(name).addHandler(self)
        self._filter = ("ignore", self, Warning, None, 0)
        _filters().insert(0, self._filter)
        # Which also lets Python look at its filters for warnings that were given before.
        warnings.simplefilter("ignore", _Never)
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("theano", "theano_today"):
            logging.getLogger(name).removeHandler(self)
        filters = _filters()
        for item in (self._filter, ("ignore", None, _Never, None, 0)):
            with contextlib.suppress(ValueError):
                filters.remove(item)


def _filters() -> list:
    get: Any = getattr(warnings, "_get_filters", None)  # since Python 3.14, of a context
    found: Any = warnings.filters if get is None else get()
    return found
