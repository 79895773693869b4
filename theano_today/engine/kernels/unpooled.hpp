// The backward pass of a stage without a pool. With gz for the gradients of its outputs,
//
//   gz = g * slope of rectify
//   db[f]             = sum of gz[f]
//   dw[f][c][tap]     = sum of gz[f][output] * x[c][output + tap]
//   dx[c][at]         = sum of gz[f][at - tap] * w[f][c][tap]
//
// where dx is a convolution itself: of gz, with zeros around it. Where the filters went in larger
// steps, dx is several: every step-th pixel sees every step-th tap, and nothing of the others.
// Where the taps lie apart besides, there are zeros between the pixels of gz.
#pragma once

#include <atomic>
#include <vector>

#include "backward.hpp"
#include "forward.hpp"

namespace today {

// One of the convolutions that dx is made of: of the pixels (row + q * down, column + r * right).
// `stage`'s outputs are these, and its images gz, blocked.
struct Phase {
    StageShape stage;
    long row, column, down, right;
    long first_row, first_column; // the taps that its pixels see: these, and each down-th, right-th
    long above, beside; // rows and columns of zeros before gz; negative: of gz that is left out

    // The taps of one axis that pixels at `at`, `at + step`, ... see, as `first` and their number
    static void taps(long at, long step, long before, long size, long &first, int64_t &count) {
        first = (at + before) % step;
        count = first < size ? (size - 1 - first) / step + 1 : 0;
    }
};

// Zeros between gz's pixels rather than several phases
inline bool is_spread(const StageShape &s) { return s.apart_rows > 1 || s.apart_columns > 1; }

inline std::vector<Phase> phases_of(const StageShape &s, bool in_order) {
    const long down = is_spread(s) ? 1 : s.step_rows, right = is_spread(s) ? 1 : s.step_columns;
    std::vector<Phase> phases;
    for (long row = 0; row < down; row++)
        for (long column = 0; column < right; column++) {
            Phase phase = {};
            phase.row = row, phase.column = column, phase.down = down, phase.right = right;
            StageShape &t = phase.stage;
            Phase::taps(row, down, s.top, s.filter_rows, phase.first_row, t.filter_rows);
            Phase::taps(column, right, s.left, s.filter_columns, phase.first_column,
                        t.filter_columns);
            t.images = 1;
            t.channels = s.filters, t.filters = s.channels;
            t.apart_rows = s.apart_rows, t.apart_columns = s.apart_columns;
            t.out_rows = t.pool_rows = (s.rows - row + down - 1) / down;
            t.out_columns = t.pool_columns = (s.columns - column + right - 1) / right;
            t.rows = t.out_rows + t.reach_rows(), t.columns = t.out_columns + t.reach_columns();
            t.x_blocked = 1, t.p_blocked = s.dx_blocked || down > 1 || right > 1;
            t.pool = t.step_rows = t.step_columns = 1;
            t.in_order = in_order;
            phase.above = t.reach_rows() - (row + s.top - phase.first_row) / down;
            phase.beside = t.reach_columns() - (column + s.left - phase.first_column) / right;
            if (t.out_rows > 0 && t.out_columns > 0 && t.taps() > 0)
                phases.push_back(phase);
        }
    return phases;
}

// The phase's taps, turned, of filters whose channels are its outputs
inline Filters turned(const StageShape &s, const Phase &phase, const float *w) {
    const Filters all = Filters::of(s, w);
    const long row = phase.first_row + (phase.stage.filter_rows - 1) * phase.down;
    const long column = phase.first_column + (phase.stage.filter_columns - 1) * phase.right;
    return {all.data + row * all.row + column * all.column, all.channel, all.filter,
            -phase.down * all.row, -phase.right * all.column};
}

// dx (blocks, rows, columns, V) at the phase's pixels <- its outputs
inline void put_phase(const StageShape &s, const Phase &phase, const float *p, float *dx) {
    for (long block = 0; block < s.channel_blocks(); block++, dx += s.rows * s.columns * V)
        for (long q = 0; q < phase.stage.out_rows; q++) {
            float *to = dx + ((phase.row + q * phase.down) * s.columns + phase.column) * V;
            for (long r = 0; r < phase.stage.out_columns; r++, p += V)
                store(to + r * phase.right * V, load(p));
        }
}

// Where gz goes: a blocked image of rows and columns of zeros but for the gradients, the first of
// which is at (top, left), the next step_rows and step_columns further. What is outside is left
// out.
struct Room {
    float *data;
    long rows, columns, top, left, step_rows, step_columns;
    long floats(const StageShape &s) const { return s.filter_blocks() * V * rows * columns; }
    // Of images that lie behind each other
    Image image(const StageShape &s) const {
        return {data, rows * columns * V, columns * V, floats(s)};
    }
    // The same from the first gradient on
    Image gradients(const StageShape &s) const {
        return {data + (top * columns + left) * V, rows * columns * V, columns * V, floats(s)};
    }
};

// gz of one image, from g blocked; db (filters) += its sums, where wanted
inline void fill_room(const StageShape &s, const float *g, const uint8_t *slopes, Room room,
                      float *db) {
    const long outputs = s.windows();
    const bool side_by_side = room.step_columns == 1 && room.left >= 0;
    for (long block = 0; block < s.filter_blocks(); block++) {
        float *plane = room.data + block * room.rows * room.columns * V;
        const float *from = g + block * outputs * V;
        const uint8_t *slope = slopes + block * outputs * V;
        vf total = {};
        // Which rows have gradients; the others are cleared, and so is what is beside these.
        if (!side_by_side || room.step_rows != 1 || room.top < 0)
            std::memset(plane, 0, room.rows * room.columns * V * sizeof(float));
        else {
            const long end = room.top + s.out_rows;
            std::memset(plane, 0, room.top * room.columns * V * sizeof(float));
            if (end < room.rows)
                std::memset(plane + end * room.columns * V, 0,
                            (room.rows - end) * room.columns * V * sizeof(float));
        }
        for (long i = 0; i < s.out_rows; i++) {
            const long row = room.top + i * room.step_rows;
            const bool inside = row >= 0 && row < room.rows;
            float *to = plane + row * room.columns * V;
            vf sum = {};
            if (inside && side_by_side) {
                const long end = room.left + s.out_columns;
                std::memset(to, 0, room.left * V * sizeof(float));
                if (end < room.columns)
                    std::memset(to + end * V, 0, (room.columns - end) * V * sizeof(float));
            }
            for (long j = 0; j < s.out_columns; j++, from += V, slope += V) {
                vf gz = load(from);
                if (s.rectify)
                    gz *= slope_of(load_bytes(slope));
                sum += gz;
                const long column = room.left + j * room.step_columns;
                if (inside && column >= 0 && column < room.columns)
                    store(to + column * V, gz);
            }
            total += sum;
        }
        if (db != nullptr)
            store(db + block * V, load(db + block * V) + total);
    }
}

// dx, blocked, of one image, product by product: where weights are NaN or infinite, zeros around
// and between the gradients must not meet them. w blocked: (channel blocks, filters, taps, V)
inline void scatter_inputs(const StageShape &s, Image gradients, const float *w, float *dx) {
    const long plane = s.rows * s.columns * V;
    std::memset(dx, 0, s.channel_blocks() * plane * sizeof(float));
    for (long block = 0; block < s.channel_blocks(); block++, dx += plane)
        for (long f = 0; f < s.filters; f++)
            for (long i = 0; i < s.filter_rows; i++)
                for (long j = 0; j < s.filter_columns; j++, w += V) {
                    const float *g = gradients.data + f / V * gradients.plane + f % V;
                    for (long r = 0; r < s.out_rows; r++, g += gradients.row) {
                        const long row = r * s.step_rows + i * s.apart_rows - s.top;
                        if (row < 0 || row >= s.rows)
                            continue;
                        for (long c = 0; c < s.out_columns; c++) {
                            const long column = c * s.step_columns + j * s.apart_columns - s.left;
                            if (column < 0 || column >= s.columns)
                                continue;
                            float *to = dx + (row * s.columns + column) * V;
                            store(to, load(to) + splat(g[c * V]) * load(w));
                        }
                    }
                }
}

// ---- the gradient of weights, all multiplications -------------------------------------------

// Of a part of the images: sums [panel][channel and tap][filters of the panel]
inline long direct_sums_size(const StageShape &s) {
    return s.channels * s.taps() * s.filter_blocks() * V;
}

// MR taps of channels, whose first pixels are at `taps`, and NV * V filters: outputs whose patches
// and gradients are at `patches` and `places`
template <int MR, int NV>
static INLINE void direct_taps(Image image, const long *taps, Image gradients, const long *patches,
                               const long *places, long outputs, float *sums) {
    vf total[MR][NV];
    EACH (r, MR)
        EACH (v, NV)
            total[r][v] = load(sums + (r * NV + v) * V);
    const float *x[MR];
    EACH (r, MR)
        x[r] = image.data + taps[r];
    for (long k = 0; k < outputs; k++) {
        const float *g = gradients.data + places[k];
        const long at = patches[k];
        vf right[NV];
        EACH (v, NV)
            right[v] = load(g + v * gradients.plane);
        EACH (r, MR) {
            const vf one = splat(x[r][at]);
            EACH (v, NV)
                total[r][v] += one * right[v];
        }
    }
    EACH (r, MR)
        EACH (v, NV)
            store(sums + (r * NV + v) * V, total[r][v]);
}

// sums += one image's, of planes (pixel 1) or blocked (V)
inline void direct_add_weights(const StageShape &s, long pixel, Image image, Image gradients,
                               float *sums) {
    const long filters = s.filter_blocks() * V, all = s.channels * s.taps();
    long *taps = (long *)scratch(Use::counts, 2 * (all + ROWS));
    for (long at = 0; at < all; at++) {
        const long c = at / s.taps(), i = at % s.taps() / s.filter_columns;
        const long j = at % s.filter_columns;
        taps[at] = c / pixel * image.plane + c % pixel + i * s.apart_rows * image.row +
                   j * s.apart_columns * pixel;
    }
    long *patches = (long *)scratch(Use::places, 4 * s.windows());
    long *places = patches + s.windows();
    place_outputs(s, s.step_rows * image.row, s.step_columns * pixel, patches);
    place_outputs(s, gradients.row, V, places);
    // As many outputs as leave their gradients in the second level's cache, for all taps
    constexpr long BAND = (48 << 10) / PANEL;
    for (long begin = 0; begin < s.windows(); begin += BAND) {
        const long outputs = s.windows() - begin < BAND ? s.windows() - begin : BAND;
        for (long f = 0; f < filters; f += PANEL) {
            const int vectors = filters - f < PANEL ? (filters - f) / V : VECTORS;
            const Image mine = {gradients.data + f / V * gradients.plane, gradients.plane,
                                gradients.row};
            with_vectors(vectors, [&](auto columns) {
                in_tiles(all, [&](long at, auto some) {
                    direct_taps<decltype(some)::value, decltype(columns)::value>(
                        image, taps + at, mine, patches + begin, places + begin, outputs,
                        sums + f * all + at * vectors * V);
                });
            });
        }
    }
}

// ---- all of it -----------------------------------------------------------------------------

class UnpooledBackward : public BackwardPass {
  public:
    // In floats. The sums' are apart from the rest: there is a limit to them.
    static long room(const StageShape &s) {
        long all = 0;
        for (const Phase &phase : phases_of(s, false))
            all += phase_room(phase);
        return std::max(all, blocked_weights_size(s));
    }
    static long sums_room(const StageShape &s) {
        const long direct = direct_sums_size(s);
        const StageShape summed = s.halved() ? s.half() : s;
        const long sums = by_winograd(s) ? std::max(direct, winograd_sums_size(summed)) : direct;
        return round_up(sums, 16) + 3 * s.filter_blocks() * V;
    }

    // `memory` has room() floats, `sums` as many places of sums_room(). exact: nothing by Winograd
    UnpooledBackward(const Link &link, bool of_inputs, bool exact, float *memory, float *sums)
        : link(link), s(link.stage), of_inputs(of_inputs), winograd(by_winograd(s) && !exact),
          summed(winograd && s.halved() ? s.half() : s), sums(sums), plain(plain_room(s)),
          around(plain) {
        if (of_inputs && !all_finite(link.w, s.weights())) {
            scattered = memory;
            block_weights(s, link.w, scattered);
        } else if (of_inputs) {
            phases = phases_of(s, exact);
            for (const Phase &phase : phases) {
                passes.emplace_back(phase.stage, turned(s, phase, link.w), nullptr, memory, true);
                memory += phase_room(phase);
            }
            around = room_around(s, phases);
        }
    }

    // Of how many images Winograd has enough squares
    static long together(const StageShape &s) {
        long most = by_winograd(s) ? ForwardPass::together(s) : 1;
        for (const Phase &phase : phases_of(s, false))
            most = std::max(most, ForwardPass::together(phase.stage));
        return most;
    }

    void begin(long place) const override {
        if (link.dw != nullptr)
            std::memset(sums + place * sums_room(s), 0, sums_room(s) * sizeof(float));
    }

    void images(long place, long first, long count, const float *g, float *dx) const override {
        const bool wanted = link.dw != nullptr || scattered != nullptr;
        const bool one = around.step_rows == 1 && around.step_columns == 1; // for both gradients
        const bool fill_around = !passes.empty() || (one && wanted), fill_plain = !one && wanted;
        Room here = around, again = plain;
        if (fill_around)
            here.data = scratch(Use::spread, count * here.floats(s));
        if (fill_plain)
            again.data = scratch(Use::gradients, count * again.floats(s));
        for (long n = 0; n < count; n++) {
            const float *own = g + n * s.p_size(s.p_blocked);
            if (!s.p_blocked) {
                float *blocked = scratch(Use::pooled, s.p_size(true));
                planes_to_blocks(blocked, own, s.filters, s.windows());
                own = blocked;
            }
            const uint8_t *slopes =
                s.rectify ? link.winners + (first + n) * s.p_size(true) : nullptr;
            float *const filter_sums = link.dw != nullptr ? image_db(place) : nullptr;
            const auto fill = [&](Room room, bool sum) {
                room.data += n * room.floats(s);
                fill_room(s, own, slopes, room, sum ? filter_sums : nullptr);
            };
            if (fill_around)
                fill(here, one);
            if (fill_plain)
                fill(again, true);
            if (link.dw != nullptr)
                add_filter_sums(place);
        }
        const Image gradients = (one ? here : again).gradients(s);
        if (link.dw != nullptr)
            add_weights(place, link.x + first * s.x_size(s.x_blocked), count, gradients);
        if (of_inputs && scattered == nullptr)
            write_inputs(here, count, dx);
        for (long n = 0; n < count && scattered != nullptr; n++) {
            float *to = dx + n * s.x_size(s.dx_blocked);
            float *blocked = s.dx_blocked ? to : scratch(Use::dx, s.x_size(true));
            scatter_inputs(s, gradients.at(n), scattered, blocked);
            if (!s.dx_blocked)
                blocks_to_planes(to, blocked, s.channels, s.rows * s.columns);
        }
    }

    void add(long to, long from) const override {
        if (link.dw == nullptr)
            return;
        add_weights_of(to, from, 0, sums_size());
        add_biases_of(to, from);
    }

    bool finish(const std::vector<long> &places) const override {
        if (link.dw == nullptr)
            return true;
        const long place = places[0], size = sums_size();
        constexpr long PIECE = 1 << 12; // floats
        Threads::instance().run_in_shares((size + PIECE - 1) / PIECE, [&](long piece) {
            for (size_t k = 1; k < places.size(); k++)
                add_weights_of(place, places[k], piece * PIECE,
                               std::min(size, (piece + 1) * PIECE));
        });
        for (size_t k = 1; k < places.size(); k++)
            add_biases_of(place, places[k]);
        std::atomic<bool> finite{true};
        for (long f = 0; f < s.filters; f++)
            link.db[f] = float(db(place)[f]);
        Threads::instance().run_in_shares(s.filter_blocks() * s.channels, [&](long item) {
            if (!write_weights(place, item / s.channels * V, item % s.channels))
                finite.store(false, std::memory_order_relaxed);
        });
        return finite;
    }

  private:
    static bool by_winograd(const StageShape &s) {
        return (s.winograd() || s.halved()) && s.filters >= 8;
    }
    long sums_size() const { return winograd ? winograd_sums_size(summed) : direct_sums_size(s); }
    void add_weights_of(long to, long from, long begin, long end) const {
        for (long i = begin; i < end; i += V)
            store(dw(to) + i, load(dw(to) + i) + load(dw(from) + i));
    }
    void add_biases_of(long to, long from) const {
        for (long f = 0; f < s.filters; f++)
            db(to)[f] += db(from)[f];
    }
    float *dw(long place) const { return sums + place * sums_room(s); }
    double *db(long place) const { return (double *)(image_db(place) + s.filter_blocks() * V); }
    // One image's
    float *image_db(long place) const {
        return dw(place) + sums_room(s) - 3 * s.filter_blocks() * V;
    }

    static long phase_room(const Phase &phase) {
        return round_up(ForwardPass::room(phase.stage), 16);
    }
    // Zeros behind the last output fill up Winograd's squares.
    static Room plain_room(const StageShape &s) {
        return {nullptr, 2 * ((s.out_rows + 1) / 2), 2 * ((s.out_columns + 1) / 2), 0, 0, 1, 1};
    }
    // The same with what all phases see around it
    static Room room_around(const StageShape &s, const std::vector<Phase> &phases) {
        Room room = plain_room(s);
        if (is_spread(s)) {
            room.step_rows = s.step_rows, room.step_columns = s.step_columns;
            room.rows = (s.out_rows - 1) * s.step_rows + 2;
            room.columns = (s.out_columns - 1) * s.step_columns + 2;
        }
        for (const Phase &phase : phases) {
            room.top = std::max(room.top, phase.above);
            room.left = std::max(room.left, phase.beside);
        }
        room.rows += room.top, room.columns += room.left;
        for (const Phase &phase : phases) {
            const StageShape &t = phase.stage;
            room.rows = std::max(room.rows, room.top - phase.above + t.seen_rows());
            room.columns = std::max(room.columns, room.left - phase.beside + t.seen_columns());
        }
        return room;
    }

    void write_inputs(Room room, long count, float *dx) const {
        const bool whole = phases.size() == 1 && phases[0].down == 1 && phases[0].right == 1;
        const long size = s.x_size(true);
        float *blocked = s.dx_blocked || whole ? dx : scratch(Use::dx, count * size);
        if (long(phases.size()) < s.step_rows * s.step_columns && !whole)
            std::memset(blocked, 0, count * size * sizeof(float)); // no tap meets some pixels
        for (size_t k = 0; k < passes.size(); k++) {
            const Phase &phase = phases[k];
            Image image = room.image(s);
            image.data += ((room.top - phase.above) * room.columns + room.left - phase.beside) * V;
            if (whole)
                return passes[k].blocked_images(image, count, dx, nullptr);
            const long p_size = phase.stage.p_size(true);
            float *p = scratch(Use::pooled, count * p_size);
            passes[k].blocked_images(image, count, p, nullptr);
            for (long n = 0; n < count; n++)
                put_phase(s, phase, p + n * p_size, blocked + n * size);
        }
        for (long n = 0; n < count && !s.dx_blocked; n++)
            blocks_to_planes(dx + n * s.x_size(false), blocked + n * size, s.channels,
                             s.rows * s.columns);
    }

    void add_filter_sums(long place) const {
        for (long f = 0; f < s.filters; f++)
            db(place)[f] += image_db(place)[f];
        std::memset(image_db(place), 0, s.filter_blocks() * V * sizeof(float));
    }

    void add_weights(long place, const float *x, long count, Image gradients) const {
        if (winograd) {
            const Image image =
                s.halved() ? halves_of(s, summed, x, count) : blocks_of(s, x, count);
            return with_formula(summed, [&](auto rows) {
                winograd_add_weights<decltype(rows)::value>(summed, image, gradients, count,
                                                            dw(place));
            });
        }
        for (long n = 0; n < count; n++, x += s.x_size(s.x_blocked))
            if (s.few_channels())
                direct_add_weights(s, 1, planes_of(s, x), gradients.at(n), dw(place));
            else
                direct_add_weights(s, V, blocks_of(s, x, 1), gradients.at(n), dw(place));
    }

    // dw of V filters from f on and a channel; false if Winograd's sums are not finite
    bool write_weights(long place, long f, long c) const {
        const auto write = [&](long i, long j, vf taps) {
            for (long k = 0; k < V && f + k < s.filters; k++)
                link.dw[s.weight(f + k, c, i, j)] = taps[k];
        };
        if (winograd)
            return with_formula(summed, [&](auto rows) {
                return write_winograd<decltype(rows)::value>(place, f, c, write);
            });
        const long panel = f / PANEL * PANEL;
        const long wide = std::min<long>(PANEL, s.filter_blocks() * V - panel);
        const float *from = dw(place) + (panel * s.channels + c * wide) * s.taps() + f - panel;
        for (long i = 0; i < s.filter_rows; i++)
            for (long j = 0; j < s.filter_columns; j++, from += wide)
                write(i, j, load(from));
        return true;
    }

    template <int R, class F> bool write_winograd(long place, long f, long c, F &&write) const {
        const long images = s.halved() ? 4 : 1, step = s.halved() ? 2 : 1;
        vf unlike = {}; // stays 0
        for (long k = 0; k < images; k++) {
            vf taps[R * R];
            winograd_weights_of<R>(summed, dw(place), f, k * (summed.channels / images) + c, taps);
            for (int at = 0; at < R * R; at++) {
                unlike += 0.0f * taps[at];
                write(step * (at / R) + k / 2, step * (at % R) + k % 2, taps[at]);
            }
        }
        return !any((vi)(unlike != 0.0f));
    }

    const Link &link;
    const StageShape &s;
    const bool of_inputs, winograd;
    const StageShape summed; // whose weights' sums they are: s, or its half
    float *sums;
    std::vector<Phase> phases;       // whose outputs are dx
    std::vector<ForwardPass> passes; // make them
    float *scattered = nullptr;      // or these weights do
    Room plain, around;              // where gz goes
};

} // namespace today
