"""PyMC3: a line through points, whose posterior has a formula, by four ways."""

import sys

import matplotlib
import numpy as np
import pymc3 as pm

matplotlib.use("Agg")

rng = np.random.RandomState(0)
x = rng.randn(100)
y = 1.5 + 2.5 * x + 0.5 * rng.randn(100)
# The priors are N(0, 10), the noise has a known deviation of 0.5.
design = np.c_[np.ones(100), x]
covariance = np.linalg.inv(design.T @ design / 0.25 + np.eye(2) / 100)
mean = covariance @ design.T @ y / 0.25
deviation = np.sqrt(np.diag(covariance))


def check(how, a, b, of_mean, of_deviation):
    print(how, np.mean(a), np.mean(b), np.std(a), np.std(b))
    assert np.allclose([np.mean(a), np.mean(b)], mean, atol=of_mean), mean
    if of_deviation:
        assert np.allclose([np.std(a), np.std(b)], deviation, rtol=of_deviation), deviation


def main():
    print("exact", *mean, *deviation)
    with pm.Model():
        a = pm.Normal("a", 0, sd=10)
        b = pm.Normal("b", 0, sd=10)
        pm.Normal("y", a + b * x, sd=0.5, observed=y)
        best = pm.find_MAP(progressbar=False)
        check("find_MAP", best["a"], best["b"], 1e-4, None)
        adam = pm.adam(learning_rate=0.01)
        fitted = pm.fit(8000, random_seed=1, progressbar=False, obj_optimizer=adam)
        drawn = fitted.sample(4000)
        check("ADVI", drawn["a"], drawn["b"], 0.03, 0.3)
        common = {"chains": 2, "random_seed": [1, 2], "progressbar": False}
        drawn = pm.sample(4000, tune=1000, step=pm.Metropolis(), cores=2, **common)
        check("Metropolis", drawn["a"], drawn["b"], 0.02, 0.15)
        drawn = pm.sample(1000, tune=500, cores=1, **common)
        check("NUTS", drawn["a"], drawn["b"], 0.01, 0.15)
        assert abs(pm.summary(drawn)["r_hat"] - 1).max() < 0.02
        pm.traceplot(drawn)
        seen = pm.sample_posterior_predictive(drawn, 200, progressbar=False)["y"]
        assert abs(seen.mean(0) - design @ mean).max() < 0.25
    print("done")


if __name__ == "__main__":
    sys.exit(main())
