"""The names and the order of the keypoints."""

from kfkd import keypoints


def test_kaggles_columns_in_their_order():
    assert len(keypoints.COLUMNS) == len(set(keypoints.COLUMNS)) == 30
    assert keypoints.COLUMNS[:2] == ("left_eye_center_x", "left_eye_center_y")
    assert keypoints.COLUMNS[20:22] == ("nose_tip_x", "nose_tip_y")
    assert keypoints.COLUMNS[-1] == "mouth_center_bottom_lip_y"


def test_every_keypoint_of_one_side_has_its_mirror_image():
    """The tutorial's FlipBatchIterator swaps them."""
    names = set(keypoints.KEYPOINTS)
    for name in names:
        for side, other in (("left", "right"), ("right", "left")):
            if side in name:
                assert name.replace(side, other) in names
