"""The public names themselves: what the modules of Theano and Lasagne offer to call.

The other programs must run each of them, or not_run.py says why not.
"""

import sys

import lasagne
import theano
import theano.ifelse
import theano.sandbox.rng_mrg
import theano.sparse
import theano.tensor.extra_ops
import theano.tensor.fft
import theano.tensor.inplace
import theano.tensor.nlinalg
import theano.tensor.nnet.bn
import theano.tensor.nnet.conv
import theano.tensor.nnet.neighbours
import theano.tensor.raw_random
import theano.tensor.shared_randomstreams
import theano.tensor.signal.conv
import theano.tensor.signal.pool
import theano.tensor.slinalg
from cases import Case, public_names
from theano.tensor.var import _tensor_py_operators

MODULES = {
    "theano": theano,
    "tensor": theano.tensor,
    "tensor.extra_ops": theano.tensor.extra_ops,
    "tensor.fft": theano.tensor.fft,
    "tensor.inplace": theano.tensor.inplace,
    "tensor.nlinalg": theano.tensor.nlinalg,
    "tensor.nnet": theano.tensor.nnet,
    "tensor.nnet.bn": theano.tensor.nnet.bn,
    "tensor.nnet.conv": theano.tensor.nnet.conv,
    "tensor.nnet.neighbours": theano.tensor.nnet.neighbours,
    "tensor.raw_random": theano.tensor.raw_random,
    "tensor.shared_randomstreams": theano.tensor.shared_randomstreams,
    "tensor.signal.conv": theano.tensor.signal.conv,
    "tensor.signal.pool": theano.tensor.signal.pool,
    "tensor.slinalg": theano.tensor.slinalg,
    # hidden by the function of that name
    "tensor.sort": sys.modules["theano.tensor.sort"],
    "sandbox.rng_mrg": theano.sandbox.rng_mrg,
    "gradient": theano.gradient,
    "ifelse": theano.ifelse,
    "sparse": theano.sparse,
    "lasagne.layers": lasagne.layers,
    "lasagne.nonlinearities": lasagne.nonlinearities,
    "lasagne.objectives": lasagne.objectives,
    "lasagne.regularization": lasagne.regularization,
    "lasagne.updates": lasagne.updates,
    "lasagne.init": lasagne.init,
}

NUMPYS = "__numpy_dtype__"  # which NumPy 2.4 and newer ask for, and `import theano_today` gives it


def cases():
    for name, module in MODULES.items():
        yield Case(name, lambda m=module, n=name: public_names(m, n), c=False)
    yield Case("variables", lambda: sorted(set(vars(_tensor_py_operators)) - {NUMPYS}), c=False)
