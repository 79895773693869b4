"""Lists as indices in Theano's Python implementations of pooling and top-k.

Until NumPy 1.22 ``x[[slice(0, 2), slice(0, 2)]]``, a list with a slice in it, meant what the tuple
means. Since 1.23 it is an array of objects, which cannot be an index: IndexError. Theano's C code
knew nothing of it, but mode=FAST_COMPILE, DebugMode and cxx= (no compiler) run the Python code.
The indices of Theano's symbolic variables are not concerned: TensorVariable takes such lists.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks
from theano_today.compat.source import edit


def install() -> None:
    hooks.after_import("theano.tensor.signal.pool", _mend_pool)
    hooks.after_import("theano.tensor.sort", _mend_topk)


def _mend_pool(pool: ModuleType) -> None:
    region = "[region_slices[i][r[i]] for i in xrange(nd)]"
    for function in (pool.Pool.perform, pool.MaxPoolRop.perform):
        edit(function, {f"yk[{region}]": f"yk[tuple({region})]"})
    edit(pool.AveragePoolGrad.perform, {"gxk[region_slice]": "gxk[tuple(region_slice)]"})


def _mend_topk(sort: ModuleType) -> None:
    edit(sort._topk_py_impl, {"axis=axis)[idx]": "axis=axis)[tuple(idx)]"})
