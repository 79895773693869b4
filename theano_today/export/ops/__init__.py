"""The table: Op type -> the nodes of ONNX that compute the same.

A rule is found by the exact type of the Op, as in theano_today.torch_link. It is a function of
(writer, node) that appends nodes to ``writer.graph`` and returns the name of its value, or one
for each output of the node. It raises NotImplementedError with a few words for what it cannot
write; the user reads them after "it uses".

To add an Op: a function in the module of its family, decorated with `implements`, and a line in
that family's test.
"""

from theano_today.export.ops import conv, elemwise, indexing, pool, reduce, shape  # noqa: F401
from theano_today.export.ops.table import RULES

__all__ = ["RULES"]
