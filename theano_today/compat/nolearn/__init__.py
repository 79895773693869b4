"""What nolearn 0.6.1 needs on today's packages, one module per cause.

- data.py: labels of 64 bits, pandas' columns, splits, one sample or none, paths
- drawing.py: diagrams of nets, without the packages or programs that draw them
- estimator.py: NeuralNet as an estimator of today's scikit-learn
- layer_info.py: PrintLayerInfo with sizes that are not known
"""

from theano_today.compat.nolearn import data, drawing, estimator, layer_info


def install() -> None:
    for part in (estimator, data, drawing, layer_info):
        part.install()
