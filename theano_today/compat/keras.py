"""What Keras 0.3 to 2.3 needs of the h5py that it stores models with.

h5py 3.0 reads an attribute that holds one string as str; it was bytes, and Keras decodes it:
``load_model`` and ``load_weights`` stop there ("'str' object has no attribute 'decode'").
"""

from __future__ import annotations

import ast

from theano_today import hooks

# Where Keras reads files: since 2.2, in 1.x and 2.0, and in all of them.
_READERS = ("keras.engine.saving", "keras.engine.topology", "keras.models", "keras.utils.io_utils")


def install() -> None:
    for name in _READERS:
        hooks.rewrite(name, _decoding_bytes_only)


def text(value, *arguments):
    """Return ``value.decode(...)``, or the value itself if it is text already."""
    return value if isinstance(value, str) else value.decode(*arguments)


class _Decode(ast.NodeTransformer):
    def visit_Call(self, node):
        self.generic_visit(node)
        called = node.func
        if not isinstance(called, ast.Attribute) or called.attr != "decode" or node.keywords:
            return node
        return ast.copy_location(
            ast.Call(ast.Name("_text_of_h5py", ast.Load()), [called.value, *node.args], []), node
        )


def _decoding_bytes_only(tree: ast.Module) -> ast.Module:
    tree = _Decode().visit(tree)
    binding = ast.ImportFrom(__name__, [ast.alias("text", "_text_of_h5py")], 0)
    # Behind the docstring and from __future__.
    place = sum(
        (isinstance(one, ast.ImportFrom) and one.module == "__future__")
        or (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
        for one in tree.body
    )
    tree.body.insert(place, binding)
    return tree
