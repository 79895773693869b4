"""What Lasagne 0.1 cannot import any more, and the warnings that its age makes others print.

lasagne.layers.dnn, .corrmm and .cuda_convnet refuse to be imported without the GPU back end that
left Theano in 0.10. With theano.sandbox.cuda and pylearn2's two Ops supplied
(runtime/compat/theano/sandbox_cuda) their layers work anywhere: Lasagne's own source is
executed, of whichever version is installed, without the lines that refuse.
"""

from __future__ import annotations

import ast
import warnings
from types import ModuleType

from runtime.compat import hooks

_GPU_MODULES = ("dnn", "corrmm", "cuda_convnet")


def install() -> None:
    for name in _GPU_MODULES:
        hooks.rewrite(f"lasagne.layers.{name}", _without_refusals, _put_names)
    # lasagne/__init__.py asks pkg_resources for its own version; setuptools is pinned to
    # the last series that has it.
    warnings.filterwarnings("ignore", "pkg_resources is deprecated", UserWarning, "lasagne")
    # Conv2DLayer says image_shape, which Theano 1.0 calls input_shape.
    warnings.filterwarnings("ignore", "The `image_shape` keyword", UserWarning, r"lasagne\.")


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
