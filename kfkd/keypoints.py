"""The 15 keypoints of Kaggle's Facial Keypoints Detection competition, in its CSV's order."""

# "left" is the person's left, hence right in the picture.
KEYPOINTS: tuple[str, ...] = (
    "left_eye_center",
    "right_eye_center",
    "left_eye_inner_corner",
    "left_eye_outer_corner",
    "right_eye_inner_corner",
    "right_eye_outer_corner",
    "left_eyebrow_inner_end",
    "left_eyebrow_outer_end",
    "right_eyebrow_inner_end",
    "right_eyebrow_outer_end",
    "nose_tip",
    "mouth_left_corner",
    "mouth_right_corner",
    "mouth_center_top_lip",
    "mouth_center_bottom_lip",
)

# The 30 columns of training.csv before its last, "Image": also the order of net2's outputs.
COLUMNS = tuple(f"{name}_{axis}" for name in KEYPOINTS for axis in "xy")
