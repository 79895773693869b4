// From a picture to the net's input, and from its output to points: the same arithmetic as
// kfkd/photos in Python, so that both give the same points.

export const NAMES = [
  "left eye center", "right eye center", "left eye inner corner", "left eye outer corner",
  "right eye inner corner", "right eye outer corner", "left eyebrow inner end",
  "left eyebrow outer end", "right eyebrow inner end", "right eyebrow outer end", "nose tip",
  "mouth left corner", "mouth right corner", "mouth center top lip", "mouth center bottom lip",
];

export const SIZE = 96; // pixels of a face, each way

// Grey as Pillow's: RGBA of 8 bits -> one byte a pixel.
export function grey(rgba) {
  const out = new Uint8Array(rgba.length / 4);
  for (let i = 0, j = 0; i < out.length; i++, j += 4) {
    out[i] = (rgba[j] * 19595 + rgba[j + 1] * 38470 + rgba[j + 2] * 7471 + 0x8000) >> 16;
  }
  return out;
}

// For each of SIZE places, which pixels it is made of and how much of each: a triangle as wide as
// two places, or as two pixels where the picture is enlarged.
function weights(length, start, side) {
  const scale = side / SIZE;
  const reach = Math.max(scale, 1);
  const most = Math.ceil(2 * reach) + 2;
  const first = new Int32Array(SIZE);
  const count = new Int32Array(SIZE);
  const share = new Float64Array(SIZE * most);
  for (let i = 0; i < SIZE; i++) {
    const centre = start + (i + 0.5) * scale;
    first[i] = Math.max(0, Math.trunc(centre - reach + 0.5));
    count[i] = Math.min(length, Math.trunc(centre + reach + 0.5)) - first[i];
    let sum = 0;
    for (let k = 0; k < count[i]; k++) {
      const w = Math.max(0, 1 - Math.abs((first[i] + k - centre + 0.5) / reach));
      share[i * most + k] = w;
      sum += w;
    }
    for (let k = 0; k < count[i]; k++) share[i * most + k] /= sum;
  }
  return { first, count, share, most };
}

// A square of a grey picture as the net's input: Float32Array of 96 * 96, 0 to 1.
// x and y are the square's corner within the picture, side its length, in pixels.
export function cut(pixels, width, height, x, y, side) {
  const across = weights(width, x, side);
  const down = weights(height, y, side);
  const lines = new Uint8ClampedArray(height * SIZE); // Pillow, too, has bytes between its passes
  for (let r = down.first[0]; r < down.first[SIZE - 1] + down.count[SIZE - 1]; r++) {
    for (let i = 0; i < SIZE; i++) {
      const from = r * width + across.first[i];
      let sum = 0;
      for (let k = 0; k < across.count[i]; k++) sum += across.share[i * across.most + k] * pixels[from + k];
      lines[r * SIZE + i] = sum + 1e-6; // halves upwards, as Pillow rounds them
    }
  }
  const out = new Float32Array(SIZE * SIZE);
  const byte = new Uint8ClampedArray(1);
  for (let j = 0; j < SIZE; j++) {
    for (let i = 0; i < SIZE; i++) {
      let sum = 0;
      for (let k = 0; k < down.count[j]; k++) sum += down.share[j * down.most + k] * lines[(down.first[j] + k) * SIZE + i];
      byte[0] = sum + 1e-6;
      out[j * SIZE + i] = byte[0] / 255;
    }
  }
  return out;
}

// The net's 30 numbers, -1 to 1, as [x, y] in the picture's pixels. Kaggle's coordinates count
// from the middle of the first pixel.
export function place(output, x, y, side) {
  return NAMES.map((_, i) => [
    x + (output[2 * i] * 48 + 48.5) * (side / SIZE),
    y + (output[2 * i + 1] * 48 + 48.5) * (side / SIZE),
  ]);
}
