"""C modules of Ops without properties were compiled anew by every process.

Theano 1.0.5 takes a module whose key has an empty part for one without a version, which it must
not keep; and the part that says which properties an Op has is empty where it has none: softmax,
its gradient, the cross-entropy of class labels and a dozen others. In 2020 as well.

Ops that aren't Theano's own are compiled anew as ever: whoever changes their C code may rely on it.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks
from theano_today.compat import source


def install() -> None:
    hooks.after_import("theano.gof.cc", _mend)


def _mend(cc: ModuleType) -> None:
    source.edit(
        cc.CLinker.cmodule_key_,
        {
            "version.append(node.op.__props__)": "version.append(node.op.__props__"
            " or type(node.op).__module__.startswith('theano.'))"
        },
    )
