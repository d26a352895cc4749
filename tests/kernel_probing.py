"""What tests of kernels against other programs share: random cases.

IMAGEADAPT_TRUTH_SEED=N repeats the cases of a run whose seed was N.
"""
# SPDX-License-Identifier: Apache-2.0
import os
import subprocess
import time
import unittest

import numpy as np

PROBE = os.environ["IMAGEADAPT_KERNEL_PROBE"]
SANITIZED = bool(os.environ.get("IMAGEADAPT_SANITIZED"))
SEED = int(os.environ.get("IMAGEADAPT_TRUTH_SEED", time.time_ns() % 10**9))

BORDERS = ("clip", "replicate", "reflect101")
TYPES = {"u8": np.uint8, "u16": np.uint16, "f32": np.float32}


class Probe:
    """The program that runs kernels."""

    def __init__(self):
        self._process = subprocess.Popen(
            [PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def run(self, line, source):
        """The results for a source of three dimensions, by processors."""
        pipe = self._process.stdin
        pipe.write(line.encode() + b"\n" + source.tobytes())
        pipe.flush()
        answer = self._process.stdout.readline().decode()
        if not answer.endswith("\n"):
            raise AssertionError("the probe has ended with "
                                 f"{self._process.wait()}")
        words = answer.split()
        if words[0] != "ok":
            raise AssertionError(answer.strip())
        width, height, channels = map(int, words[1:4])
        shape = (height, width, channels)
        size = int(np.prod(shape)) * source.itemsize
        results = {}
        for processors in words[4:]:
            data = self._process.stdout.read(size)
            result = np.frombuffer(data, source.dtype).reshape(shape)
            results[processors] = result
        return results

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
        self.processors = ""
        self._probe = probe
        self.fields = {}

    def __str__(self):
        return f"{self.name}: {self.fields} {self.processors}"

    def choose(self, *choices):
        return str(self.rng.choice(choices))

    def image(self, width=150, height=60, channels=None, types=TYPES):
        """An image of a random shape; sides are at most these."""
        count = channels or self.rng.integers(1, 5)
        return self.image_of(random_side(self.rng, height),
                             random_side(self.rng, width), int(count), types)

    def image_of(self, height, width, channels, types=TYPES):
        kind = self.choose(*types)
        self.fields.update(type=kind, height=height, width=width,
                           channels=channels,
                           padding=int(self.rng.integers(70)))
        return random_pixels(self.rng, (height, width, channels), TYPES[kind])

    def window(self, most):
        """Odd sides; mostly small, often square."""
        rng = self.rng
        sides = [1 + 2 * int(most // 2 * rng.random() ** 4) for _ in range(2)]
        if rng.random() < 0.5:
            sides[1] = sides[0]
        self.fields.update(window_width=sides[0], window_height=sides[1])
        return sides

    def border(self, *borders):
        """A border, which becomes a field."""
        self.fields["border"] = self.choose(*(borders or BORDERS))
        return self.fields["border"]

    def ask(self, operation, source, result_height=None, **fields):
        """Results by processors, with some cuts of the result."""
        height = result_height or source.shape[0]
        cuts = self.rng.integers(1, height, 3) if height > 1 else []
        cuts = sorted(set(map(int, cuts[:self.rng.integers(4)])))
        self.fields.update(fields, cuts=",".join(map(str, cuts)))
        values = " ".join(f"{name}={value}"
                          for name, value in self.fields.items())
        try:
            return self._probe.run(f"{operation} {values}", source)
        except (AssertionError, BrokenPipeError) as error:
            raise AssertionError(f"{self}: {error}") from error

    def run(self, source, result_height=None, same_bits=False, **fields):
        """Each result that some processors yield.

        That is one for integers, and with `same_bits` for floats, too.
        """
        results = self.ask(self.operation, source, result_height, **fields)
        if len(results) > 1 and (same_bits or source.dtype != np.float32):
            raise AssertionError(f"{self}: {list(results)} differ")
        for self.processors, result in results.items():
            yield result
        self.processors = ""


class KernelTestCase(unittest.TestCase):
    """Compares kernels with what others compute."""

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
