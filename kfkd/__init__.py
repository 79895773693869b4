"""What net2.py, load.py and plot_results.py need besides the tutorial's own lines.

Named as the tutorial's program: kfkd.py, Kaggle facial keypoints detection.

- options.py, run.py, output.py: the command lines, the training, what it leaves behind
- drawing.py: pictures for plot_results.py
- files.py, kaggle_csv.py, keypoints.py, pixels.py, cache.py: the faces, from CSV to arrays
- faces/: draws generated faces, which stand in for Kaggle's
- photos/: finds faces in photos, for examples/photo.py
- fetch.py: `make data`
"""
