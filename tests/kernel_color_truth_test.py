"""HSV, grey and filters of hue against their definitions in NumPy.

IMAGEADAPT_TRUTH_SEED=N repeats the cases of a run whose seed was N.
"""
# SPDX-License-Identifier: Apache-2.0
import unittest

import numpy as np

from kernel_probing import KernelTestCase, border_counts, border_positions


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


def grey_of(source):
    """Luma as luma.h defines it, of colour images."""
    red, green, blue = (source[..., c].astype(np.int64) for c in range(3))
    if source.dtype == np.uint8:
        return (19595 * red + 38470 * green + 7471 * blue + 2**15) >> 16
    low = (17302 * red + 41419 * green + 6815 * blue) >> 16
    return (19595 * red + 38469 * green + 7471 * blue + low + 2**15) >> 16


def float_grey_of(source):
    """The sum, and that of the terms' sizes."""
    terms = source[..., :3].astype(np.float64) * (0.299, 0.587, 0.114)
    return terms.sum(-1), np.abs(terms).sum(-1)


def canonical(hues):
    """Hues of one turn; NaN for those that are left out."""
    if hues.dtype != np.float32:
        return hues
    with np.errstate(invalid="ignore"):
        turned = hues - 360 * np.floor(hues / 360.0)
        turned = turned.astype(np.float32)
        return np.where(np.isfinite(hues), np.where(turned < 360, turned, 0),
                        np.float32(np.nan))


def turn_of(dtype):
    return 360.0 if dtype == np.float32 else np.iinfo(dtype).max + 1.0


def hue_sums(hues, width, height, border):
    """The sum of each window's unit vectors, and how many there are."""
    down = border_counts(hues.shape[0], height, border)
    along = border_counts(hues.shape[1], width, border)
    angles = canonical(hues).astype(np.float64) / turn_of(hues.dtype)
    angles *= 2 * np.pi
    there = ~np.isnan(angles)
    vectors = np.where(there, np.exp(1j * np.where(there, angles, 0)), 0)
    return down @ vectors @ along.T, down @ there.astype(float) @ along.T


def expected_hue_mean(found, hues, sums, number):
    """The mean, and how far from it `found` may be on the circle."""
    turn = turn_of(hues.dtype)
    length = np.abs(sums) / np.maximum(number, 1)
    middle = canonical(hues)
    middle = np.where(np.isnan(middle), 0, middle)
    mean = np.angle(sums) / (2 * np.pi) * turn
    mean += turn * np.rint((found - mean) / turn)
    slack = turn * 2.0**-29 / np.maximum(length, 2.0**-21)
    slack += 2e-5 if hues.dtype == np.float32 else 0.5 + 2.0**-14
    # Vectors that cancel each other, but for rounding.
    is_short = length * 2.0**20 < 0.9
    mean = np.where(is_short, middle, mean)
    slack = np.where(is_short, 0, slack)
    unclear = (length * 2.0**20 >= 0.9) & (length * 2.0**20 < 1.1)
    mean = np.where(unclear, found, mean)
    return np.where(number == 0, np.nan, mean), slack


def hue_median_of(hues, width, height, border, mean):
    """The lower median in the order that begins opposite to `mean`."""
    half = hues.dtype.type(turn_of(hues.dtype) / 2)
    cut = np.where(mean < half, mean + half, mean - half)
    rows = border_positions(hues.shape[0], height // 2, border)
    columns = border_positions(hues.shape[1], width // 2, border)
    values = canonical(hues)[rows[:, None, :, None], columns[:, None, :]]
    values = values.reshape(*hues.shape, -1).astype(np.float64)
    there = (rows[:, None, :, None] >= 0) & (columns[:, None, :] >= 0)
    values[~there.reshape(values.shape)] = np.nan
    late = values < cut[..., None]
    order = np.argsort(values + late * turn_of(hues.dtype), -1)  # NaN last
    number = np.count_nonzero(~np.isnan(values), -1)[..., None]
    middle = np.take_along_axis(order, np.maximum(number - 1, 0) // 2, -1)
    return np.take_along_axis(values, middle, -1)[..., 0]


class KernelColorTruthTest(KernelTestCase):
    def test_rgb_to_hsv(self):
        for case in self.cases("rgb_to_hsv", 200):
            source = case.image(channels=case.rng.integers(3, 5))
            in_place = int(case.rng.integers(2))
            for found in case.run(source, same_bits=True, in_place=in_place):
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
            source = case.image(channels=case.rng.integers(3, 5)).copy()
            if source.dtype == np.float32:
                source[..., 0] *= 360
                expected = float_rgb_of(source)
                saturation, value = np.abs(source[..., 1]), source[..., 2]
                allowed = 1e-6 * np.abs(value) * np.maximum(1, saturation)
                allowed = allowed[..., None]
            else:
                top = int(np.iinfo(source.dtype).max)
                expected = rgb_of(source, top + 1, top)
                allowed = 0.0
            in_place = int(case.rng.integers(2))
            for found in case.run(source, in_place=in_place):
                self.check(case, found[..., :3], expected, allowed)
                self.check(case, found[..., 3:], source[..., 3:])

    def test_grayscale(self):
        for case in self.cases("grayscale", 300):
            source = case.image()
            for found in case.run(source):
                if source.shape[2] < 3:
                    self.check(case, found, source)
                    continue
                allowed = 0.0
                if source.dtype == np.float32:
                    expected, sizes = float_grey_of(source)
                    allowed = 2.0**-22 * sizes[..., None]
                else:
                    expected = grey_of(source)
                self.check(case, found[..., :1], expected[..., None], allowed)
                self.check(case, found[..., 1:], source[..., 3:])

    def hues(self, case, most):
        """An image whose first channel is hues, mostly of few directions."""
        rng = case.rng
        source = case.image(width=70, height=30).copy()
        if source.dtype == np.float32:
            source[..., 0] = source[..., 0] * rng.choice([40, 180, 360]) - 20
            source[..., 0] += 360 * rng.integers(-2, 3)
            if rng.random() < 0.3:
                spots = rng.random(source.shape[:2])
                source[..., 0][spots < 0.3] = np.nan
                source[..., 0][spots > 0.95] = np.inf
        elif rng.random() < 0.5:
            source[..., 0] //= 5
        elif rng.random() < 0.3:
            # Opposite directions, which cancel each other.
            half = source.dtype.type(turn_of(source.dtype) / 2)
            source[..., 0] = rng.integers(0, 2, source.shape[:2]) * half + 7
        window = case.window(most)
        return source, source[..., 0], *window, case.border()

    def test_hue_means(self):
        for case in self.cases("hue_mean", 300):
            source, hues, *window = self.hues(case, 41)
            sums, number = hue_sums(hues, *window)
            for found in case.run(source):
                expected, allowed = expected_hue_mean(
                    found[..., 0].astype(np.float64), hues, sums, number)
                self.check(case, found, expected[..., None],
                           allowed[..., None])

    def test_hue_medians(self):
        for case in self.cases("hue_median", 200):
            source, hues, *window = self.hues(case, 15)
            means = case.ask("hue_mean", source)
            for found in case.run(source):
                first = case.processors.split(",")[0]
                mean = next(mean for processors, mean in means.items()
                            if first in processors.split(","))
                expected = hue_median_of(hues, *window, mean[..., 0])
                self.check(case, found, expected[..., None])


if __name__ == "__main__":
    unittest.main(verbosity=2)
