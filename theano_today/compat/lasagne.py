"""What Lasagne 0.1 cannot import any more.

lasagne.layers.dnn, .corrmm and .cuda_convnet refuse to be imported without the GPU back end that
left Theano in 0.10. With theano.sandbox.cuda and pylearn2's two Ops supplied
(theano_today/compat/theano/sandbox_cuda) their layers work anywhere: Lasagne's own source is
executed, of whichever version is installed, without the lines that refuse.
"""

from __future__ import annotations

import ast
import functools
from types import ModuleType

from theano_today import hooks
from theano_today.compat import source

_GPU_MODULES = ("dnn", "corrmm", "cuda_convnet")


def install() -> None:
    for name in _GPU_MODULES:
        hooks.rewrite(f"lasagne.layers.{name}", _without_refusals, _put_names)
        hooks.after_import(f"lasagne.layers.{name}", _tell_filter_shapes)
    hooks.after_import("lasagne.layers.special", _count_by_ints)


class _WithoutRefusals(ast.NodeTransformer):
    """Drops ``raise`` and ``warnings.warn`` of the module itself; functions keep theirs."""

    def visit_Raise(self, node):
        return ast.copy_location(ast.Pass(), node)

    def visit_Expr(self, node):
        match node.value:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="warnings"), attr="warn")):
                return ast.copy_location(ast.Pass(), node)
        return node

    def visit_FunctionDef(self, node):
        return node

    def visit_ClassDef(self, node):
        return node


def _without_refusals(tree: ast.Module) -> ast.Module:
    return _WithoutRefusals().visit(tree)


def _put_names(module: ModuleType) -> None:
    # Lasagne's unreleased master binds these only where it finds a GPU.
    from theano.sandbox.cuda import basic_ops, blas, dnn

    module.dnn = dnn  # type: ignore[attr-defined]
    module.gpu_contiguous = basic_ops.gpu_contiguous  # type: ignore[attr-defined]
    module.GpuCorrMM = blas.GpuCorrMM  # type: ignore[attr-defined]
    # NINLayer_c01b adds a list to a range, as Python 2 could.
    module.range = lambda *limits: list(range(*limits))  # type: ignore[attr-defined]


def _tell_filter_shapes(module: ModuleType) -> None:
    # As Conv2DLayer does, so that these run on the engine, too.
    from theano_today.compat.theano.sandbox_cuda.filters import filter_shape

    def tell(cls, compute):
        @functools.wraps(cls.get_output_for)
        def get_output_for(self, input, **kwargs):
            shape = self.get_W_shape()
            if not getattr(self, "dimshuffle", True):  # c01b
                shape = (shape[-1], *shape[:-1])
            with filter_shape(shape):
                return compute(self, input, **kwargs)

        cls.get_output_for = get_output_for

    for name in ("Conv2DDNNLayer", "Conv3DDNNLayer", "Conv2DMMLayer"):
        if hasattr(module, name):
            cls = getattr(module, name)
            tell(cls, cls.get_output_for)
    if hasattr(module, "Conv2DCCLayer"):
        conv, pool = module.Conv2DCCLayer, module.MaxPool2DCCLayer
        tell(conv, _conv_in_one_order(conv.get_output_for))
        pool.get_output_for = _pool_in_one_order(pool.get_output_for)


def _pool_in_one_order(by_shuffling):
    """Compute a MaxPool2DCCLayer without moving the batch to the last axis and back."""

    def get_output_for(self, input, **kwargs):
        if not self.dimshuffle:
            return by_shuffling(self, input, **kwargs)
        return self.pool_op.bc01(input)

    return get_output_for


def _conv_in_one_order(by_shuffling):
    """The same for a Conv2DCCLayer."""

    def get_output_for(self, input, **kwargs):
        if not self.dimshuffle or not _elementwise(self.nonlinearity):
            return by_shuffling(self, input, **kwargs)
        activation = self.filter_acts_op.bc01(input, self.W, flip=self.flip_filters)
        if self.b is not None:
            axes = ("x", 0, 1, 2) if self.untie_biases else ("x", 0, "x", "x")
            activation = activation + self.b.dimshuffle(*axes)
        return self.nonlinearity(activation)

    return get_output_for


def _elementwise(function) -> bool:
    # Another function may look at the axes, and finds the batch on the last one.
    from lasagne import nonlinearities
    from theano.tensor.elemwise import Elemwise

    module = getattr(function, "__module__", None) or type(function).__module__
    ours = module == nonlinearities.__name__ and function is not nonlinearities.softmax
    return ours or isinstance(function, Elemwise)


def _count_by_ints(special: ModuleType) -> None:
    # In Lasagne's master; np.linspace takes no float count since NumPy 1.18.
    count = "np.sqrt(num_control_points)"
    source.edit(special._initialize_tps, {count: f"int({count})"})
