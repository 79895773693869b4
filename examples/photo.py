"""Find the keypoints of faces in your own photos: a PNG with points, and a CSV.

    python examples/photo.py me.jpg holiday/     # with net2.pickle, into photos/
    python examples/photo.py --whole face.png    # a picture that is all face
    python examples/photo.py me.jpg --net net2.onnx --out .

Photos of any size and kind, with any number of faces, which look at the camera
and stand within some 20 degrees of upright. From Python:
`from kfkd.photos import keypoints`.
Opening a pickle runs whatever code it holds: use only pickles that you trust.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import theano_today  # noqa: F401, I001  (first: it makes the packages of 2014 importable)

from kfkd.options import photo_options
from kfkd.photos.marks import draw, write_drawing, write_table
from kfkd.photos.pictures import pictures_in, read_picture
from kfkd.photos.predicting import points_of, predictor
from theano_today.errors import DataError, MissingFileError, WriteError


def main():
    options = photo_options(__doc__)
    paths = pictures_in(options.photos)
    predict = predictor(options.net)
    try:
        options.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(error.errno, error.strerror, str(options.out)) from None
    rows, failed, names = [], 0, set()
    for path in paths:
        try:
            picture = read_picture(path)
        except (DataError, MissingFileError) as error:  # the others can be read all the same
            print(f"photo.py: {error}", file=sys.stderr)
            failed += 1
            continue
        faces = points_of(picture, predict, options.whole)
        if not faces:
            print(f"{path}: no face found")
            continue
        rows += [(str(path), i, points) for i, points in enumerate(faces, 1)]
        name = path.stem if path.stem not in names else f"{path.stem}-{len(names)}"
        names.add(name)
        drawing = options.out / f"{name}_keypoints.png"
        shown = [points / picture.shrunk for points in faces]
        write_drawing(drawing, draw(picture.colour, shown))
        print(f"{path}: {len(faces)} face{'s' * (len(faces) > 1)}, {drawing}")
    if rows:
        write_table(options.out / "keypoints.csv", rows)
        print(f"wrote {options.out / 'keypoints.csv'}: {len(rows)} rows")
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
