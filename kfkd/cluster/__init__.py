"""Many nets on many machines, by Dask: a search, an ensemble, predictions of any number of faces.

- options.py: the command lines
- work.py: a cluster, and tasks whose results come once each, whatever is killed meanwhile
- training.py: the task that trains one net, with checkpoints
- searching.py, ensembles.py, predicting.py: what the three scripts do
"""
