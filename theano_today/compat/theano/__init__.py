"""What Theano 1.0.5 needs on today's Python, NumPy and SciPy, one module per cause.

- blas.py: C code that wants a BLAS to link to
- c_code.py: what its generated C and C++ can no longer compile
- dtypes.py: variables and types where NumPy wants a dtype
- downsample.py: theano.tensor.signal.downsample, gone in Theano 1.0
- float_messages.py: errors about float64 name the flag floatX
- former_helpers.py: theano.compat.six and others that helped with several Pythons
- function_copies.py: Function.copy, whose Ops ran in any order
- garbage.py: Python's garbage collection while graphs are optimised
- indexing.py: lists with slices in them as indices
- legacy_conv.py: the convolutions of before 2015
- scan.py, scan_loop.py: scan's loop
- arrays.py: functions of NumPy that give something else than they did
- sorting.py: the order of equal elements
- promotion.py: constants and casts, under NumPy 2's rules for types
- random_state.py: random states, which Theano copies
- reprs.py: names of Ops that hold numbers of NumPy
- processor_flags.py: -march and its kin, found once
- late_imports.py: parts of SciPy that hardly any graph needs
- module_cache.py: C modules that were compiled anew by every process
- mrg.py: MRG_RandomStreams without C
- unittest_tools.py: DebugMode's messages, without nose and parameterized
- absent_values.py: what says that a variable has no test value
- comparisons.py: Ops and optimisations as keys of dictionaries
- tags.py: tags of variables, copied with each clone
- traversal.py: walks through graphs
- traces.py: where a variable was made, in error messages
- submodules.py: theano.ifelse and others as attributes that nobody imported
- sandbox_cuda/: theano.sandbox.cuda, the old GPU back end, and its pickles
"""

from __future__ import annotations

from theano_today.compat.theano import (
    absent_values,
    arrays,
    blas,
    c_code,
    comparisons,
    downsample,
    dtypes,
    float_messages,
    former_helpers,
    function_copies,
    garbage,
    indexing,
    late_imports,
    legacy_conv,
    module_cache,
    mrg,
    processor_flags,
    promotion,
    random_state,
    reprs,
    sandbox_cuda,
    scan,
    sorting,
    submodules,
    tags,
    traces,
    traversal,
    unittest_tools,
)

PARTS = (
    c_code,
    absent_values,
    arrays,
    blas,
    downsample,
    dtypes,
    float_messages,
    former_helpers,
    function_copies,
    garbage,
    indexing,
    late_imports,
    legacy_conv,
    module_cache,
    scan,
    processor_flags,
    promotion,
    random_state,
    reprs,
    comparisons,  # wraps what reprs.py edits
    mrg,
    sorting,
    submodules,
    sandbox_cuda,
    tags,
    traces,
    traversal,
    unittest_tools,
)


def install() -> None:
    for part in PARTS:
        part.install()
