"""Trained nets as files that other programs read: ONNX, and the weights alone as safetensors.

    python -m theano_today.export net2.pickle net2.onnx
    python -m theano_today.export net2.pickle net2.safetensors

    from theano_today.export import export
    export(net2, "net2.onnx")

- `write.py`: `export`; checks the file's model, compares it with Theano where onnxruntime is
- `model.py`: which layers a pickle holds, and what they are called
- `convert.py`: walks Theano's graph of the prediction, Op by Op
- `ops/`: a table: Op type -> nodes of ONNX; one module for each family of Ops
- `graph.py`: the ONNX graph while it grows

The graph is Theano's own, not a list of known layers. What a layer of yours computes is written
as well, if its Ops are in the table; so are nonlinearities, merge and pooling functions.
"""

from theano_today.export.write import export

__all__ = ["export"]
