"""ConvOp: theano.tensor.nnet.conv.conv2d and theano.tensor.signal.conv.conv2d.

They are what programs from 2010 to 2015 convolve with. Their C code includes
numpy/noprefix.h, which NumPy 2.0 removed and of which it uses no name.

Where Theano's C code raises a plain Exception for a dtype that is neither float32 nor float64,
compilation of the whole function fails; here Python runs these, as without a compiler.
"""

from __future__ import annotations

from types import ModuleType

from theano_today import hooks


def install() -> None:
    hooks.after_import("theano.tensor.nnet.conv", _mend)


def _mend(conv: ModuleType) -> None:
    c_headers, c_code = conv.ConvOp.c_headers, conv.ConvOp.c_code

    def headers_without_noprefix(self):
        return [name for name in c_headers(self) if name != "<numpy/noprefix.h>"]

    def c_code_of_floats(self, node, name, inp, out, sub):
        dtype = node.inputs[0].type.dtype
        if dtype not in ("float32", "float64"):
            raise NotImplementedError(f"ConvOp's C code is for float32 and float64, not {dtype}")
        return c_code(self, node, name, inp, out, sub)

    conv.ConvOp.c_headers = headers_without_noprefix
    conv.ConvOp.c_code = c_code_of_floats
