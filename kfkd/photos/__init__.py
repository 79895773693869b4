"""The keypoints of faces in photos: what examples/photo.py does, from Python.

    from kfkd.photos import keypoints

    for points in keypoints("group.jpg", net="net2.pickle"):
        print(points)  # (15, 2): x and y in the photo's pixels

- pictures.py: photos of any kind as grey pixels, turned as the camera was held
- faces.py: finds faces, and cuts them out as Kaggle's are cut
- predicting.py: a net's points for faces, in the photo's pixels
- marks.py: points drawn on the photo; the CSV
"""

from kfkd.photos.predicting import keypoints

__all__ = ["keypoints"]
