// A stage: convolution, bias, rectify and 2x2 max-pool in one; its shapes and its images.
//
//   z (oh, ow)  = x convolved with w, + b         a filter's outputs
//   p (ph, pw)  = max over 2x2 windows of z       and rectified: 0.5 * (p + |p|)
//   winners     = per window, which of its four z are the maximum (see window.hpp)
//
// Inside, pixels hold their channels side by side ("channels last"), rounded up to whole
// vectors with zeros, except for images of a few channels, which stay planes.
#pragma once

#include "threads.hpp"
#include "vec.hpp"

namespace net2 {

// Mirrored by library.Stage, field for field.
struct Stage {
    int64_t images, channels, rows, columns;      // x (images, channels, rows, columns)
    int64_t filters, filter_rows, filter_columns; // w (filters, channels, ., .)
    int64_t top, left;                            // rows and columns of zeros before x
    int64_t out_rows, out_columns;                // z
    int64_t pool_rows, pool_columns;              // p
    int64_t flip;                                 // 1: w is turned by 180 degrees, as Theano does
    int64_t rectify;                              // 1: p is rectified
    int64_t x_last, p_last;                       // 1: x (and its gradient), p (and its) hold
                                                  // (images, rows, columns, padded channels)

    long padded_channels() const { return round_up(channels, V); }
    long padded_filters() const { return round_up(filters, V); }
    long windows() const { return pool_rows * pool_columns; }
    // What the windows see, incomplete ones at the border as well.
    long seen_rows() const { return 2 * pool_rows + filter_rows - 1; }
    long seen_columns() const { return 2 * pool_columns + filter_columns - 1; }
    long taps() const { return filter_rows * filter_columns; }

    bool few_channels() const { return channels < 8; }

    // Element [f][c][i][j] of w as it meets x[row + i][column + j].
    long weight(long f, long c, long i, long j) const {
        if (flip) {
            i = filter_rows - 1 - i;
            j = filter_columns - 1 - j;
        }
        return ((f * channels + c) * filter_rows + i) * filter_columns + j;
    }
};

// One image as the kernels read it: element (c, i, j) is at
// data[c * channel + i * row + j * pixel]; (0, 0) is the first that the first window sees.
struct Image {
    const float *data;
    long channel, row, pixel;
};

// to (rows * columns pixels, `pixel` floats apart) <- planes (channels, rows, columns)
inline void planes_to_last(float *to, long pixel, long row, const float *planes, long channels,
                           long rows, long columns) {
    for (long i = 0; i < rows; i++)
        for (long c0 = 0; c0 < channels; c0 += V) {
            const long c1 = c0 + V < channels ? c0 + V : channels;
            for (long j = 0; j < columns; j++)
                for (long c = c0; c < c1; c++)
                    to[i * row + j * pixel + c] = planes[(c * rows + i) * columns + j];
        }
}

// planes (channels, rows, columns) <- pixels `pixel` floats apart, rows `row` floats apart
inline void last_to_planes(float *planes, const float *from, long pixel, long row, long channels,
                           long rows, long columns) {
    for (long i = 0; i < rows; i++)
        for (long c0 = 0; c0 < channels; c0 += V) {
            const long c1 = c0 + V < channels ? c0 + V : channels;
            for (long j = 0; j < columns; j++)
                for (long c = c0; c < c1; c++)
                    planes[(c * rows + i) * columns + j] = from[i * row + j * pixel + c];
        }
}

// Image n with all that the windows see, as planes or channels last: x itself where it will do,
// else a padded copy.
inline Image image_of(const Stage &s, const float *x, long n, bool as_planes) {
    const bool fits =
        s.top == 0 && s.left == 0 && s.seen_rows() <= s.rows && s.seen_columns() <= s.columns;
    const long pad = s.padded_channels();
    const long height = s.seen_rows(), width = s.seen_columns();
    const long rows = s.top + s.rows < height ? s.rows : height - s.top;
    const long columns = s.left + s.columns < width ? s.columns : width - s.left;
    if (as_planes) {
        const long plane = s.rows * s.columns;
        if (fits && !s.x_last)
            return {x + n * s.channels * plane, plane, s.columns, 1};
        float *copy = scratch(Use::image, s.channels * height * width);
        std::memset(copy, 0, s.channels * height * width * sizeof(float));
        for (long c = 0; c < s.channels; c++)
            for (long i = 0; i < rows; i++)
                for (long j = 0; j < columns; j++)
                    copy[(c * height + s.top + i) * width + s.left + j] =
                        s.x_last ? x[(n * plane + i * s.columns + j) * pad + c]
                                 : x[(n * s.channels + c) * plane + i * s.columns + j];
        return {copy, height * width, width, 1};
    }
    if (fits && s.x_last)
        return {x + n * s.rows * s.columns * pad, 1, s.columns * pad, pad};
    float *copy = scratch(Use::image, height * width * pad);
    std::memset(copy, 0, height * width * pad * sizeof(float));
    float *inside = copy + (s.top * width + s.left) * pad;
    if (s.x_last) {
        for (long i = 0; i < rows; i++)
            std::memcpy(inside + i * width * pad, x + (n * s.rows + i) * s.columns * pad,
                        columns * pad * sizeof(float));
    } else {
        for (long i = 0; i < rows; i++)
            for (long j = 0; j < columns; j++)
                for (long c = 0; c < s.channels; c++)
                    inside[(i * width + j) * pad + c] =
                        x[((n * s.channels + c) * s.rows + i) * s.columns + j];
    }
    return {copy, 1, width * pad, pad};
}

} // namespace net2
