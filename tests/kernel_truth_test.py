"""Turns, means, medians and rotations against NumPy and SciPy.

IMAGEADAPT_TRUTH_SEED=N repeats the cases of a run whose seed was N.
"""
# SPDX-License-Identifier: Apache-2.0
import unittest

import numpy as np
import scipy.ndimage

from kernel_probing import KernelTestCase, border_counts, random_side


def mean_of(source, width, height, border, rounding):
    down = border_counts(source.shape[0], height, border)
    along = border_counts(source.shape[1], width, border)
    if source.dtype != np.float32:
        sums = np.einsum("ij,jkc,lk->ilc", down, source.astype(np.int64),
                         along, optimize=True)
        number = (down.sum(1)[:, None] * along.sum(1))[..., None]
        if rounding == "nearest":
            return (2 * sums + number) // (2 * number)
        return sums // number
    there = ~np.isnan(source)
    values = np.where(there, source, 0).astype(np.float64)
    sums = np.einsum("ij,jkc,lk->ilc", down, values, along, optimize=True)
    number = np.einsum("ij,jkc,lk->ilc", down, there.astype(np.int64), along,
                       optimize=True)
    with np.errstate(invalid="ignore"):
        return sums / number


def clipped_median_of(source, width, height):
    """The lower median of what exists and is a number."""
    rows, columns, channels = source.shape
    up = min(height // 2, rows - 1)
    left = min(width // 2, columns - 1)
    padded = np.pad(source.astype(np.float64),
                    ((up, up), (left, left), (0, 0)), constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, (2 * up + 1, 2 * left + 1), (0, 1))
    values = np.sort(windows.reshape(rows, columns, channels, -1))  # NaN last
    count = np.count_nonzero(~np.isnan(values), -1, keepdims=True)
    middle = np.maximum(count - 1, 0) // 2
    return np.take_along_axis(values, middle, -1)[..., 0]


def replicated_median_of(source, width, height, border):
    mode = {"replicate": "nearest", "reflect101": "mirror"}[border]
    planes = [scipy.ndimage.median_filter(source[..., c], (height, width),
                                          mode=mode)
              for c in range(source.shape[2])]
    return np.stack(planes, -1)


def keys(x):
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


# Taps on each side, weights, and the largest error: of 8 bits, of 16 bits, and
# of float as a part of the largest magnitude.
INTERPOLATIONS = {
    "bilinear": (1, lambda x: np.maximum(0, 1 - np.abs(x)), (2, 6, 2e-6)),
    "bicubic": (2, keys, (3, 100, 2e-6)),
    "lanczos3": (3, lanczos, (4, 150, 1e-5)),
}


def source_points(shape, degrees, canvas_width, canvas_height):
    """Where the canvas's centres lie, in pixels from the first centre."""
    angle = np.deg2rad(degrees)
    v, u = np.mgrid[:canvas_height, :canvas_width] + 0.5
    u -= canvas_width / 2
    v -= canvas_height / 2
    x = np.cos(angle) * u - np.sin(angle) * v + shape[1] / 2 - 0.5
    y = np.sin(angle) * u + np.cos(angle) * v + shape[0] / 2 - 0.5
    return x, y


def fetch(source, x, y, border, background):
    """Samples at whole positions, which may be beyond the edges."""
    height, width, _ = source.shape

    def inside(position, length):
        if border == "reflect101" and length > 1:
            last = length - 1
            return last - np.abs(position % (2 * last) - last)
        return np.clip(position, 0, length - 1)

    pixels = source[inside(y, height), inside(x, width)].astype(np.float64)
    if border == "constant":
        outside = (x < 0) | (x >= width) | (y < 0) | (y >= height)
        pixels[outside] = background
    return pixels


def rotated(source, x, y, interpolation, border, background):
    """The weighted sum of samples; colours are weighted by alpha, too."""
    taps, weight, _ = INTERPOLATIONS[interpolation]
    left = np.floor(x).astype(np.int64)
    top = np.floor(y).astype(np.int64)
    offsets = range(1 - taps, taps + 1)
    along = np.stack([weight(x - left - i) for i in offsets])
    down = np.stack([weight(y - top - i) for i in offsets])
    along /= along.sum(0)
    down /= down.sum(0)
    total = 0
    for j, dy in enumerate(offsets):
        for i, dx in enumerate(offsets):
            pixels = fetch(source, left + dx, top + dy, border, background)
            if source.shape[2] in (2, 4):
                pixels[..., :-1] *= pixels[..., -1:]
            total = total + (along[i] * down[j])[..., None] * pixels
    return total


class KernelTruthTest(KernelTestCase):
    def check_all(self, case, results, expected, allowed=0.0):
        for found in results:
            self.check(case, found, expected, allowed)

    def pixels(self, case, **most):
        """An image to be moved: floats may be any bits."""
        source = case.image(**most)
        if source.dtype == np.float32 and case.rng.random() < 0.5:
            bits = case.rng.integers(0, 2**32, source.shape, np.uint32)
            source = bits.view(np.float32)
        return source

    def check_moved(self, case, results, expected):
        """The same bits."""
        bits = f"u{expected.itemsize}"
        expected = np.ascontiguousarray(expected).view(bits)
        for found in results:
            self.check(case, found.view(bits), expected)

    def test_turns(self):
        for case in self.cases("turn", 600):
            source = self.pixels(case, width=200, height=200)
            turns = int(case.rng.integers(1, 4))
            expected = np.rot90(source, turns)
            self.check_moved(case,
                             case.run(source, len(expected), turns=turns),
                             expected)

    def test_transposed(self):
        for case in self.cases("transpose", 200):
            source = self.pixels(case, width=200, height=200)
            expected = source.swapaxes(0, 1)
            self.check_moved(case, case.run(source, len(expected)), expected)

    def test_mirrored_columns(self):
        for case in self.cases("mirror_columns", 300):
            source = self.pixels(case, width=300)
            self.check_moved(case, case.run(source), source[:, ::-1])

    def test_mirrored_rows(self):
        for case in self.cases("mirror_rows", 80):
            source = self.pixels(case, width=300)
            self.check_moved(case, case.run(source), source[::-1])

    def test_turns_in_place(self):
        for case in self.cases("turn_in_place", 500):
            source = self.pixels(case, width=300, height=300)
            turns = int(case.rng.integers(1, 4))
            self.check_moved(case, case.run(source, turns=turns),
                             np.rot90(source, turns))

    def test_large_turns_in_place(self):
        """Images that are larger than the scratch."""
        for case in self.cases("turn_in_place", 12):
            height, width = map(int, case.rng.integers(650, 900, 2))
            channels = int(case.rng.integers(1, 5))
            source = case.image_of(height, width, channels)
            turns = int(case.rng.integers(1, 4))
            self.check_moved(case, case.run(source, turns=turns),
                             np.rot90(source, turns))

    def test_transposed_in_place(self):
        for case in self.cases("transpose_in_place", 200):
            source = self.pixels(case, width=300, height=300)
            self.check_moved(case, case.run(source), source.swapaxes(0, 1))

    def test_mirrored_in_place(self):
        for case in self.cases("mirror_columns_in_place", 150):
            source = self.pixels(case, width=300)
            self.check_moved(case, case.run(source), source[:, ::-1])
        for case in self.cases("mirror_rows_in_place", 80):
            source = self.pixels(case, width=300)
            self.check_moved(case, case.run(source), source[::-1])

    def test_means(self):
        for case in self.cases("mean", 1200):
            rng = case.rng
            source = case.image(width=int(rng.choice([150, 150, 150, 1200])))
            is_float = source.dtype == np.float32
            if is_float and rng.random() < 0.3:
                source = source.copy()
                spots = rng.random(source.shape)
                source[spots < 0.05] = np.nan
                source[spots > 0.99] = 1e30
            width, height = case.window(int(rng.choice([9, 31, 400])))
            border = case.border()
            rounding = case.choose("nearest", "truncate")
            expected = mean_of(source, width, height, border, rounding)
            allowed = 0.0
            if is_float:
                # What the rounding of a double sum to float may cost.
                allowed = 2e-7 * mean_of(np.abs(source), width, height, border,
                                         rounding)
                allowed = np.nan_to_num(allowed)
            self.check_all(case, case.run(source, rounding=rounding), expected,
                           allowed)

    def test_medians(self):
        for case in self.cases("median", 1200):
            rng = case.rng
            if case.rng.random() < 0.1:
                source = case.image(width=700)
                width, height = case.window(9)
            else:
                source = case.image(width=100, height=40)
                width, height = case.window(int(rng.choice([5, 15, 61])))
            border = case.border()
            if border == "clip" and source.dtype == np.float32:
                source = source.copy()
                if rng.random() < 0.3:
                    source[rng.random(source.shape) < 0.2] = np.nan
            if border == "clip":
                expected = clipped_median_of(source, width, height)
            else:
                expected = replicated_median_of(source, width, height, border)
            self.check_all(case, case.run(source), expected)

    def test_large_medians(self):
        """Large windows, and images of several strips and tiles."""
        for case in self.cases("median", 48):
            rng = case.rng
            if rng.random() < 0.3:
                source = case.image(width=6000, height=8, channels=1)
                most = (41, 9)
            elif rng.random() < 0.3:
                source = case.image(width=8, height=1500, channels=1)
                most = (9, 41)
            else:
                source = case.image(width=60, height=60, channels=1)
                most = (255, 255)
            width, height = (int(2 * rng.integers(1, side // 2 + 1) + 1)
                             for side in most)
            if source.dtype == np.float32:
                source = source - np.float32(0.5)
            border = case.border("replicate", "reflect101")
            expected = replicated_median_of(source, width, height, border)
            self.check_all(case, case.run(source, window_width=width,
                                          window_height=height), expected)

    def background(self, case, source, top):
        background = np.rint(case.rng.random(source.shape[2]) * top)
        case.fields["background"] = ",".join(map(str, background))
        return background

    def rotation(self, case):
        """A source, a canvas of any size, and where its centres lie."""
        rng = case.rng
        source = case.image(width=80)
        degrees = float(rng.choice([rng.uniform(-180, 180), 17.0, 45.0, 0.1]))
        canvas_width = random_side(rng, 90)
        canvas_height = random_side(rng, 60)
        top = 1.0 if source.dtype == np.float32 else np.iinfo(source.dtype).max
        background = self.background(case, source, top)
        x, y = source_points(source.shape, degrees, canvas_width, canvas_height)
        case.border("constant", "replicate", "reflect101")
        case.fields.update(degrees=repr(degrees), canvas_width=canvas_width,
                           canvas_height=canvas_height)
        return source, x, y, background, top

    def test_rotations(self):
        for case in self.cases("rotate", 700):
            source, x, y, background, top = self.rotation(case)
            interpolation = case.choose(*INTERPOLATIONS)
            sums = rotated(source, x, y, interpolation, case.fields["border"],
                           background)
            errors = INTERPOLATIONS[interpolation][2]
            for found in case.run(source, len(x), interpolation=interpolation):
                expected = sums.copy()
                if source.dtype == np.float32:
                    allowed = errors[2] * max(np.abs(source).max(),
                                              background.max())
                else:
                    allowed = errors[0 if top == 255 else 1]
                if source.shape[2] in (2, 4):
                    alpha = expected[..., -1:]
                    # Next to nothing of a colour says nothing about it.
                    seen = alpha > top / 16
                    divisor = np.where(seen, alpha, 1)
                    expected[..., :-1] /= divisor
                    expected[..., :-1] = np.where(seen, expected[..., :-1],
                                                  found[..., :-1])
                    allowed = allowed * np.where(seen, 1 + 2 * top / divisor, 1)
                if source.dtype != np.float32:
                    expected = np.clip(np.floor(expected + 0.5), 0, top)
                self.check(case, found, expected, allowed)

    def test_nearest_rotations(self):
        for case in self.cases("rotate", 150):
            source, x, y, background, _ = self.rotation(case)
            pixels = fetch(source, np.floor(x + 0.5).astype(np.int64),
                           np.floor(y + 0.5).astype(np.int64),
                           case.fields["border"], background)
            # Between two pixels, either may be the one.
            between = np.minimum(np.abs(x % 1 - 0.5), np.abs(y % 1 - 0.5))
            for found in case.run(source, len(x), interpolation="nearest"):
                expected = np.where((between < 1e-3)[..., None], found, pixels)
                self.check(case, found, expected)

    def test_turns_onto_the_same_canvas(self):
        for case in self.cases("turn_onto_canvas", 200):
            source = case.image(width=100)
            top = 1 if source.dtype == np.float32 else 255
            background = self.background(case, source, top)
            border = case.border("constant", "replicate", "reflect101")
            turns = int(case.rng.choice([1, 3]))
            y, x = np.mgrid[:source.shape[0], :source.shape[1]]
            offset = (source.shape[0] - source.shape[1]) // 2
            expected = fetch(np.rot90(source, turns), x + offset, y - offset,
                             border, background)
            self.check_all(case, case.run(source, turns=turns), expected)


if __name__ == "__main__":
    unittest.main(verbosity=2)
