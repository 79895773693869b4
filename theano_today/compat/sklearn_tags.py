"""Estimators that are no BaseEstimator, as most of the time's own classes and Keras's wrappers.

Since 1.6 scikit-learn asks an estimator what it is by ``__sklearn_tags__``, which BaseEstimator
has, and refuses cross_val_score, searches and pipelines for all others. Until then it read
``_estimator_type``, if that was there.
"""

from __future__ import annotations

import functools
import sys
from types import ModuleType

from theano_today import hooks


def install() -> None:
    hooks.after_import("sklearn.utils._tags", _mend)


def _mend(module: ModuleType) -> None:
    original = getattr(module, "get_tags", None)
    if original is None:  # 1.5 and before have another one, which refuses nothing
        return

    @functools.wraps(original)
    def get_tags(estimator):
        try:
            return original(estimator)
        except AttributeError as error:
            if "__sklearn_tags__" not in str(error):
                raise
            return _former_tags(estimator)

    for name, one in list(sys.modules.items()):
        if name.startswith("sklearn.") and vars(one).get("get_tags") is original:
            one.get_tags = get_tags  # type: ignore[attr-defined]


def _former_tags(estimator):
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.utils import ClassifierTags, RegressorTags

    tags = BaseEstimator.__sklearn_tags__(estimator)
    kind = getattr(estimator, "_estimator_type", None)
    for mixin, of_mixin in ((ClassifierMixin, "classifier"), (RegressorMixin, "regressor")):
        if kind is None and isinstance(estimator, mixin):
            kind = of_mixin
    tags.estimator_type = kind
    if kind == "classifier":
        tags.classifier_tags = ClassifierTags()
    elif kind == "regressor":
        tags.regressor_tags = RegressorTags()
    # Fitted is what has attributes with an underscore behind: these need not have any.
    tags.requires_fit = False
    tags.target_tags.required = kind in ("classifier", "regressor")
    return tags
