"""Kernels against NumPy and SciPy, on random cases.

IMAGEADAPT_TRUTH_SEED=N repeats the cases of a run whose seed was N.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import time
import unittest

import numpy as np
import scipy.ndimage

PROBE = os.environ["IMAGEADAPT_KERNEL_PROBE"]
SANITIZED = bool(os.environ.get("IMAGEADAPT_SANITIZED"))
SEED = int(os.environ.get("IMAGEADAPT_TRUTH_SEED", time.time_ns() % 10**9))

TYPES = {"u8": np.uint8, "u16": np.uint16, "f32": np.float32}


class Probe:
    """The program that runs kernels."""

    def __init__(self):
        self._process = subprocess.Popen(
            [PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.cpus = self._ask(b"cpus\n").split()

    def _ask(self, request):
        self._process.stdin.write(request)
        self._process.stdin.flush()
        answer = self._process.stdout.readline().decode()
        if not answer.endswith("\n"):
            raise AssertionError("the probe has ended with "
                                 f"{self._process.wait()}")
        return answer

    def run(self, line, source):
        """The result's samples, for a source of three dimensions."""
        answer = self._ask(line.encode() + b"\n" + source.tobytes()).split()
        if answer[0] != "ok":
            raise AssertionError(" ".join(answer))
        shape = (int(answer[2]), int(answer[1]), source.shape[2])
        size = int(np.prod(shape)) * source.itemsize
        data = self._process.stdout.read(size)
        return np.frombuffer(data, source.dtype).reshape(shape)

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        return self._process.wait()


def random_side(rng, most):
    """Small ones, those around the widths of vectors, and any."""
    kind = rng.integers(3)
    if kind == 0:
        return int(rng.integers(1, min(most, 6) + 1))
    if kind == 1:
        power = int(2 ** rng.integers(3, 8)) + int(rng.integers(-2, 3))
        return min(power, most)
    return int(rng.integers(1, most + 1))


def random_pixels(rng, shape, dtype):
    """Noise, few values, slopes or spots."""
    top = 1.0 if dtype == np.float32 else float(np.iinfo(dtype).max)
    kind = rng.integers(4)
    if kind == 0:
        values = rng.random(shape)
    elif kind == 1:
        values = rng.choice(rng.random(3), shape)
    elif kind == 2:
        y, x = np.mgrid[:shape[0], :shape[1]]
        slope = y * rng.normal() + x * rng.normal()
        values = 0.5 + 0.5 * np.sin(slope / 9)[..., None] * np.ones(shape[2])
        values += rng.normal(0, 0.02, shape)
    else:
        values = (rng.random(shape) < 0.1).astype(float)
    if dtype == np.float32:
        return values.astype(np.float32)
    return np.clip(np.rint(values * top), 0, top).astype(dtype)


class Case:
    """One request and what belongs to it."""

    def __init__(self, probe, operation, index):
        # Any case can be made again alone.
        self.rng = np.random.default_rng([SEED, sum(operation.encode()), index])
        self.name = f"{operation} {index} of seed {SEED}"
        self.operation = operation
        self._probe = probe
        self.fields = {}

    def image(self, width=150, height=60, channels=None, types=TYPES):
        rng = self.rng
        kind = str(rng.choice(list(types)))
        count = int(channels or rng.integers(1, 5))
        shape = (random_side(rng, height), random_side(rng, width), count)
        self.fields.update(type=kind, height=shape[0], width=shape[1],
                           channels=count, padding=int(rng.integers(70)),
                           cpu=str(rng.choice(self._probe.cpus)))
        return random_pixels(rng, shape, TYPES[kind])

    def run(self, source, result_height=None, **fields):
        """Asks the probe, with some cuts of the result."""
        height = result_height or source.shape[0]
        cuts = self.rng.integers(1, height, 3) if height > 1 else []
        cuts = sorted(set(map(int, cuts[:self.rng.integers(4)])))
        self.fields.update(fields, cuts=",".join(map(str, cuts)))
        values = " ".join(f"{name}={value}"
                          for name, value in self.fields.items())
        try:
            return self._probe.run(f"{self.operation} {values}", source)
        except (AssertionError, BrokenPipeError) as error:
            raise AssertionError(f"{self}: {error}") from error

    def __str__(self):
        return f"{self.name}: {self.fields}"

    def window(self, most):
        """Odd sides; mostly small, often square."""
        rng = self.rng
        sides = [1 + 2 * int(most // 2 * rng.random() ** 4) for _ in range(2)]
        if rng.random() < 0.5:
            sides[1] = sides[0]
        self.fields.update(window_width=sides[0], window_height=sides[1])
        return sides


def border_positions(length, radius, border):
    """Row i: the positions that window i has, -1 for none."""
    at = np.arange(length)[:, None] + np.arange(-radius, radius + 1)
    if border == "clip":
        return np.where((at >= 0) & (at < length), at, -1)
    if border == "replicate" or length == 1:
        return np.clip(at, 0, length - 1)
    last = length - 1
    return last - np.abs(at % (2 * last) - last)


def border_counts(length, side, border):
    """[i, j]: how often window i has position j."""
    radius = side // 2
    if border == "clip":
        radius = min(radius, length - 1)  # no more is there
    counts = np.zeros((length, length), np.int64)
    for i, positions in enumerate(border_positions(length, radius, border)):
        found = np.bincount(positions[positions >= 0], minlength=length)
        counts[i] = found
    return counts


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


def hsv_of(rgb, turn, top):
    """Hue in `turn` steps, saturation and value up to `top`, rounded."""
    red, green, blue = (rgb[..., c].astype(np.int64) for c in range(3))
    most = np.maximum(np.maximum(red, green), blue)
    spread = most - np.minimum(np.minimum(red, green), blue)
    sixths = np.where(
        most == red, green - blue,
        np.where(most == green, blue - red + 2 * spread,
                 red - green + 4 * spread))
    hue = (turn * sixths + 3 * spread) // np.maximum(6 * spread, 1) % turn
    saturation = ((2 * top * spread + most) // np.maximum(2 * most, 1))
    return np.stack([np.where(spread == 0, 0, hue),
                     np.where(most == 0, 0, saturation), most], -1)


def float_hsv_of(rgb):
    red, green, blue = (rgb[..., c].astype(np.float64) for c in range(3))
    most = np.maximum(np.maximum(red, green), blue)
    spread = most - np.minimum(np.minimum(red, green), blue)
    divisor = np.where(spread == 0, 1, spread)
    sixths = np.where(
        most == red, (green - blue) / divisor,
        np.where(most == green, (blue - red) / divisor + 2,
                 (red - green) / divisor + 4))
    hue = np.where(spread == 0, 0, sixths * 60 % 360)
    saturation = np.where(most == 0, 0, spread / np.where(most == 0, 1, most))
    return np.stack([hue, saturation, most], -1)


def rgb_of(hsv, turn, top):
    hue, saturation, value = (hsv[..., c].astype(np.int64) for c in range(3))
    whole = top * turn

    def channel(k):
        k = np.clip(k, 0, turn)
        return (2 * value * (whole - saturation * k) + whole) // (2 * whole)

    return np.stack([channel(2 * turn - np.abs(6 * hue - 3 * turn)),
                     channel(np.abs(6 * hue - 2 * turn) - turn),
                     channel(np.abs(6 * hue - 4 * turn) - turn)], -1)


def float_rgb_of(hsv):
    hue, saturation, value = (hsv[..., c].astype(np.float64) for c in range(3))
    sixths = hue % 360 / 60

    def channel(k):
        return value * (1 - saturation * np.clip(k, 0, 1))

    return np.stack([channel(2 - np.abs(sixths - 3)),
                     channel(np.abs(sixths - 2) - 1),
                     channel(np.abs(sixths - 4) - 1)], -1)


class KernelTruthTest(unittest.TestCase):
    count = 0

    def setUp(self):
        self.probe = Probe()

    def tearDown(self):
        self.assertEqual(self.probe.close(), 0, "how the probe has ended")

    @classmethod
    def tearDownClass(cls):
        print(f"{cls.count} cases of seed {SEED}")

    def cases(self, operation, number):
        for index in range(number // 4 if SANITIZED else number):
            type(self).count += 1
            yield Case(self.probe, operation, index)

    def check(self, case, found, expected, allowed=0.0):
        """No sample is further from what is expected than `allowed`."""
        self.assertEqual(found.shape, expected.shape, case)
        apart = np.abs(found.astype(np.float64) - expected)
        apart[np.isnan(found) & np.isnan(expected)] = 0
        wrong = ~(apart <= allowed)
        if not wrong.any():
            return
        y, x, c = np.argwhere(wrong)[0]
        self.fail(f"{case}: {np.count_nonzero(wrong)} of {wrong.size} samples "
                  f"differ, the first at x {x}, y {y}, channel {c}: "
                  f"{found[y, x, c]}, not {expected[y, x, c]}")

    def test_turns(self):
        for case in self.cases("turn", 600):
            source = case.image(width=200, height=200)
            turns = int(case.rng.integers(1, 4))
            expected = np.rot90(source, turns)
            self.check(case, case.run(source, len(expected), turns=turns),
                       expected)

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
            border = str(rng.choice(["replicate", "reflect101"]))
            found = case.run(source, border=border, window_width=width,
                             window_height=height)
            self.check(case, found,
                       replicated_median_of(source, width, height, border))

    def test_mirrored_columns(self):
        for case in self.cases("mirror_columns", 300):
            source = case.image(width=300)
            self.check(case, case.run(source), source[:, ::-1])

    def test_mirrored_rows(self):
        for case in self.cases("mirror_rows", 80):
            source = case.image(width=300)
            self.check(case, case.run(source), source[::-1])

    def test_turns_in_place(self):
        for case in self.cases("turn_in_place", 600):
            source = case.image(width=300, height=300)
            turns = int(case.rng.integers(1, 4))
            self.check(case, case.run(source, turns=turns),
                       np.rot90(source, turns))

    def borders(self):
        return ["clip", "replicate", "reflect101"]

    def test_means(self):
        for case in self.cases("mean", 1500):
            rng = case.rng
            source = case.image(width=int(rng.choice([150, 150, 150, 1200])))
            is_float = source.dtype == np.float32
            if is_float and rng.random() < 0.3:
                source = source.copy()
                spots = rng.random(source.shape)
                source[spots < 0.05] = np.nan
                source[spots > 0.99] = 1e30
            width, height = case.window(int(rng.choice([9, 31, 400])))
            border = str(rng.choice(self.borders()))
            rounding = str(rng.choice(["nearest", "truncate"]))
            expected = mean_of(source, width, height, border, rounding)
            found = case.run(source, border=border, rounding=rounding)
            allowed = 0.0
            if is_float:
                # What the rounding of a double sum to float may cost.
                allowed = 2e-7 * mean_of(np.abs(source), width, height, border,
                                         rounding)
                allowed = np.nan_to_num(allowed)
            self.check(case, found, expected, allowed)

    def test_medians(self):
        for case in self.cases("median", 1500):
            rng = case.rng
            if case.rng.random() < 0.1:
                source = case.image(width=700)
                width, height = case.window(9)
            else:
                source = case.image(width=100, height=40)
                width, height = case.window(int(rng.choice([5, 15, 61])))
            border = str(rng.choice(self.borders()))
            if border == "clip" and source.dtype == np.float32:
                source = source.copy()
                if rng.random() < 0.3:
                    source[rng.random(source.shape) < 0.2] = np.nan
            found = case.run(source, border=border)
            if border == "clip":
                expected = clipped_median_of(source, width, height)
            else:
                expected = replicated_median_of(source, width, height, border)
            self.check(case, found, expected)

    def rotation(self, case):
        """A source, a canvas of any size, and where its centres lie."""
        rng = case.rng
        source = case.image(width=80)
        degrees = float(rng.choice([rng.uniform(-180, 180), 17.0, 45.0, 0.1]))
        canvas_width = random_side(rng, 90)
        canvas_height = random_side(rng, 60)
        top = 1.0 if source.dtype == np.float32 else np.iinfo(source.dtype).max
        background = np.rint(rng.random(source.shape[2]) * top)
        x, y = source_points(source.shape, degrees, canvas_width, canvas_height)
        fields = {"degrees": repr(degrees), "canvas_width": canvas_width,
                  "canvas_height": canvas_height,
                  "background": ",".join(map(str, background))}
        return source, x, y, background, top, fields

    def test_rotations(self):
        for case in self.cases("rotate", 800):
            source, x, y, background, top, fields = self.rotation(case)
            border = str(case.rng.choice(["constant", "replicate",
                                          "reflect101"]))
            interpolation = str(case.rng.choice(list(INTERPOLATIONS)))
            found = case.run(source, len(x), interpolation=interpolation,
                             border=border, **fields)
            expected = rotated(source, x, y, interpolation, border, background)
            errors = INTERPOLATIONS[interpolation][2]
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
            source, x, y, background, _, fields = self.rotation(case)
            border = str(case.rng.choice(["constant", "replicate",
                                          "reflect101"]))
            found = case.run(source, len(x), interpolation="nearest",
                             border=border, **fields)
            expected = fetch(source, np.floor(x + 0.5).astype(np.int64),
                             np.floor(y + 0.5).astype(np.int64), border,
                             background)
            # Between two pixels, either may be the one.
            between = np.minimum(np.abs(x % 1 - 0.5), np.abs(y % 1 - 0.5))
            expected = np.where((between < 1e-3)[..., None], found, expected)
            self.check(case, found, expected)

    def test_rgb_to_hsv(self):
        for case in self.cases("rgb_to_hsv", 200):
            source = case.image(channels=case.rng.integers(3, 5))
            found = case.run(source)
            if source.dtype == np.float32:
                expected = float_hsv_of(source)
                # Hues lie on a circle.
                hue = expected[..., 0]
                hue += 360 * np.rint((found[..., 0] - hue) / 360)
                allowed = np.array([1e-4, 1e-6, 0])
                allowed = allowed * np.maximum(1, np.abs(expected))
            else:
                top = int(np.iinfo(source.dtype).max)
                expected = hsv_of(source, top + 1, top)
                allowed = 0.0
            self.check(case, found[..., :3], expected, allowed)
            self.check(case, found[..., 3:], source[..., 3:])

    def test_hsv_to_rgb(self):
        for case in self.cases("hsv_to_rgb", 200):
            source = case.image(channels=case.rng.integers(3, 5))
            if source.dtype == np.float32:
                source = source.copy()
                source[..., 0] *= 360
                found = case.run(source)
                expected = float_rgb_of(source)
                saturation, value = np.abs(source[..., 1]), source[..., 2]
                allowed = 1e-6 * np.abs(value) * np.maximum(1, saturation)
                allowed = allowed[..., None]
            else:
                found = case.run(source)
                top = int(np.iinfo(source.dtype).max)
                expected = rgb_of(source, top + 1, top)
                allowed = 0.0
            self.check(case, found[..., :3], expected, allowed)
            self.check(case, found[..., 3:], source[..., 3:])


if __name__ == "__main__":
    unittest.main(verbosity=2)
