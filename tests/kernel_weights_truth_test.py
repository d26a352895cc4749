"""Resizing, blurring and gradients against NumPy, SciPy and Pillow.

IMAGEADAPT_TRUTH_SEED=N repeats the cases of a run whose seed was N.
"""
# SPDX-License-Identifier: Apache-2.0
import unittest

import numpy as np
import scipy.ndimage
from PIL import Image

from kernel_probing import KernelTestCase, random_side

# What sums of integers may be away from the truth: half a step, or less than
# one where the truth is within 0.4 of the middle between two.
INTEGER_ERROR = 0.9

MODES = {"clip": "nearest", "replicate": "nearest", "reflect101": "mirror"}


def triangle(x):
    return np.maximum(0, 1 - np.abs(x))


def keys(x):
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


KERNELS = {"bilinear": triangle, "bicubic": keys, "lanczos3": lanczos}
PILLOW = {"area": Image.Resampling.BOX, "bilinear": Image.Resampling.BILINEAR,
          "bicubic": Image.Resampling.BICUBIC,
          "lanczos3": Image.Resampling.LANCZOS}


def resize_weights(length, result, name):
    """[i, j]: how much of position j is in the result's position i."""
    ratio = length / result
    i = np.arange(result)[:, None]
    j = np.arange(length)
    if name == "area":
        # In whole numbers: the ground that both pixels cover.
        weights = (np.minimum((i + 1) * length, (j + 1) * result)
                   - np.maximum(i * length, j * result))
        weights = np.maximum(weights, 0) / length
    else:
        distance = j + 0.5 - (i + 0.5) * ratio
        weights = KERNELS[name](distance / max(ratio, 1))
        # Zeros of the filter, but for rounding.
        weights[np.abs(weights) < 1e-9] = 0
    return weights / weights.sum(1, keepdims=True)


def separable(down, source, along):
    return np.einsum("ij,jkc,lk->ilc", down, source, along, optimize=True)


def has_alpha(image):
    return image.shape[2] in (2, 4)


def resized(source, down, along):
    """The weighted sums, and those of magnitudes; colours by alpha."""
    pixels = source.astype(np.float64)
    if has_alpha(source):
        pixels[..., :-1] *= pixels[..., -1:]
    sums = separable(down, pixels, along)
    sizes = separable(np.abs(down), np.abs(pixels), np.abs(along))
    return sums, sizes


def limited(values, dtype):
    return np.clip(values, 0, np.iinfo(dtype).max)


class KernelWeightsTruthTest(KernelTestCase):
    def check_sums(self, case, found, sums, sizes):
        """Weighted means, of samples that are all weighted by themselves."""
        if found.dtype == np.float32:
            self.check(case, found, sums, 2.5e-7 * sizes)
        else:
            self.check(case, found, limited(sums, found.dtype), INTEGER_ERROR)

    def check_colors(self, case, found, sums, sizes):
        """Of colours that were weighted by alpha."""
        self.check_sums(case, found[..., -1:], sums[..., -1:], sizes[..., -1:])
        alpha = sums[..., -1:]
        is_float = found.dtype == np.float32
        top = 1.0 if is_float else np.iinfo(found.dtype).max
        # Where negative weights leave next to no alpha, colours are anything.
        seen = alpha > top / 64
        divisor = np.where(seen, alpha, 1)
        colors = np.where(seen, sums[..., :-1] / divisor, found[..., :-1])
        if is_float:
            error = (sizes[..., :-1] + np.abs(colors) * sizes[..., -1:])
            allowed = np.where(seen, 5e-7 * error / divisor, 0)
        else:
            colors = limited(colors, found.dtype)
            allowed = INTEGER_ERROR
        self.check(case, found[..., :-1], colors, allowed)
        # What is wholly transparent has no colour.
        clear = sizes[..., -1:] == 0
        self.check(case, np.where(clear, found, 0),
                   np.zeros_like(found, np.float64))

    def test_sizes(self):
        for case in self.cases("resize", 1000):
            rng = case.rng
            source = case.image(width=int(rng.choice([60, 200])))
            height = random_side(rng, 70)
            width = random_side(rng, 200)
            if rng.random() < 0.1:
                height, width = source.shape[:2]
            name = case.choose("area", *KERNELS)
            down = resize_weights(source.shape[0], height, name)
            along = resize_weights(source.shape[1], width, name)
            sums, sizes = resized(source, down, along)
            check = self.check_colors if has_alpha(source) else self.check_sums
            for found in case.run(source, height, same_bits=True, filter=name,
                                  to_width=width,
                                  to_height=height):
                check(case, found, sums, sizes)

    def test_same_sizes(self):
        """Nothing changes, but that what is transparent has no colour."""
        for case in self.cases("resize", 60):
            source = case.image()
            expected = source.copy()
            if has_alpha(source):
                expected[source[..., -1] == 0] = 0
            height, width = source.shape[:2]
            name = case.choose("area", *KERNELS)
            for found in case.run(source, filter=name, to_width=width,
                                  to_height=height):
                allowed = 0.0
                if source.dtype == np.float32 and has_alpha(source):
                    allowed = 2e-7 * np.abs(expected)
                self.check(case, found, expected, allowed)

    def test_sizes_like_pillow(self):
        """Pillow centres and widens its filters as we do."""
        for case in self.cases("resize", 200):
            rng = case.rng
            source = case.image(channels=1, types=["f32"])
            height = random_side(rng, 70)
            width = random_side(rng, 200)
            name = case.choose(*PILLOW)
            if name == "area":
                # Its boxes hold whole pixels.
                factor = int(rng.integers(1, 5))
                height, width = (max(side // factor, 1)
                                 for side in source.shape[:2])
                source = source[:height * factor, :width * factor]
                source = np.ascontiguousarray(source)
                case.fields.update(height=source.shape[0],
                                   width=source.shape[1])
            image = Image.fromarray(source[..., 0], "F")
            theirs = np.asarray(image.resize((width, height), PILLOW[name]))
            for found in case.run(source, height, filter=name,
                                  to_width=width,
                                  to_height=height):
                self.check(case, found, theirs[..., None].astype(np.float64),
                           3e-6 * max(1, np.abs(source).max()))

    def test_blurs(self):
        for case in self.cases("gaussian", 600):
            rng = case.rng
            source = case.image()
            sigma = float(rng.choice([rng.uniform(0.1, 3), rng.uniform(0.1, 20),
                                      rng.uniform(20, 100)], p=[0.7, 0.2, 0.1]))
            border = case.border()

            def blurred(pixels, **mode):
                return scipy.ndimage.gaussian_filter(
                    pixels.astype(np.float64), (sigma, sigma, 0), truncate=4.0,
                    **mode)

            if border == "clip":
                # Divided by what exists.
                sums = blurred(source, mode="constant")
                sums /= blurred(np.ones_like(source), mode="constant")
                sizes = np.abs(source).max()
            else:
                sums = blurred(source, mode=MODES[border])
                sizes = np.abs(source).max()
            for found in case.run(source, same_bits=True, sigma=repr(sigma)):
                self.check_sums(case, found, sums, sizes)

    def test_edges(self):
        for case in self.cases("edges", 400):
            source = case.image()
            mode = MODES[case.border()]
            planes = np.moveaxis(source.astype(np.float64), -1, 0)
            expected = np.stack(
                [np.hypot(scipy.ndimage.sobel(plane, 0, mode=mode),
                          scipy.ndimage.sobel(plane, 1, mode=mode))
                 for plane in planes], -1)
            allowed = 0.0
            if source.dtype == np.float32:
                allowed = 1.3e-7 * expected + 1e-12
            else:
                expected = np.rint(limited(expected, source.dtype))
            for found in case.run(source):
                self.check(case, found, expected, allowed)


if __name__ == "__main__":
    unittest.main(verbosity=2)
