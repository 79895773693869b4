"""What each Op of Theano is in torch: one module per family of Ops, importing them fills the table.

To add an Op, write a function in the module of its family and decorate it with
`basic.implements`; tests/theano_today/torch_link/dispatch compares it with Theano's own C code.
"""

from theano_today.torch_link.dispatch import (  # noqa: F401
    conv,
    elemwise,
    index,
    legacy_conv,
    linalg,
    pool,
    random,
    reduce,
    shape,
    softmax,
)
from theano_today.torch_link.dispatch.basic import RULES

__all__ = ["RULES"]
