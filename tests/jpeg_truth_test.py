"""JPEG files moved by us, beside the same moves by jpegtran of libjpeg-turbo.

Files are made by cjpeg of noise, so that no two blocks are alike. Both results
go once more through jpegtran, which writes the same coefficients with the same
tables as the same bytes: files that are equal then have bit-equal coefficients.
"""
# SPDX-License-Identifier: Apache-2.0
import itertools
import os
import subprocess
import tempfile
import unittest

import numpy as np
from PIL import Image

PROBE = os.environ["IMAGEADAPT_FORMAT_PROBE"]
LIMIT_SECONDS = 60
INEXACT = 3

# Mirrored, quarters counter-clockwise: jpegtran's name.
TURNS = {(0, 0): [], (0, 1): ["-rotate", "270"], (0, 2): ["-rotate", "180"],
         (0, 3): ["-rotate", "90"], (1, 0): ["-flip", "horizontal"],
         (1, 1): ["-transpose"], (1, 2): ["-flip", "vertical"],
         (1, 3): ["-transverse"]}

# cjpeg's flags, and the sides of the smallest unit of all planes in pixels.
KINDS = {
    "4:4:4": (["-sample", "1x1"], (8, 8)),
    "4:2:2": (["-sample", "2x1"], (16, 8)),
    "4:2:0": (["-sample", "2x2"], (16, 16)),
    "4:4:0": (["-sample", "1x2"], (8, 16)),
    "4:1:1": (["-sample", "4x1"], (32, 8)),
    "fine chroma": (["-sample", "1x1,2x2,2x1"], (16, 16)),
    "grey": (["-grayscale"], (8, 8)),
    "RGB": (["-rgb"], (8, 8)),
    "coarse": (["-quality", "3", "-sample", "2x2"], (16, 16)),
    "finest": (["-quality", "100", "-sample", "1x1"], (8, 8)),
    "optimized": (["-optimize", "-sample", "2x2"], (16, 16)),
    "progressive": (["-progressive", "-sample", "2x2"], (16, 16)),
    "arithmetic": (["-arithmetic", "-sample", "2x1"], (16, 8)),
    "restart each row": (["-restart", "1", "-sample", "2x2"], (16, 16)),
    "restart each three": (["-restart", "3B", "-sample", "2x1"], (16, 8)),
    "restart each block": (["-restart", "1B", "-sample", "1x1"], (8, 8)),
}


def run(command, data=b""):
    return subprocess.run(command, input=data, capture_output=True,
                          timeout=LIMIT_SECONDS, check=False)


def must(command, data=b""):
    done = run(command, data)
    assert done.returncode == 0, (command, done.stderr)
    return done.stdout


def made(width, height, flags, seed=1):
    """A file of noise on a slope, whose blocks are all different."""
    random = np.random.default_rng(seed)
    x = np.linspace(0, 150, width)[None, :, None]
    y = np.linspace(0, 60, height)[:, None, None]
    pixels = x + y + random.integers(0, 46, (height, width, 3))
    head = b"P6 %d %d 255\n" % (width, height)
    return must(["cjpeg"] + flags, head + pixels.astype(np.uint8).tobytes())


def same_form(data):
    return must(["jpegtran", "-copy", "none"], data)


def by_jpegtran(data, turn, region=None):
    """The file, or None if it would not be exact."""
    if region:
        # Cut first; jpegtran would move the edge to that of a block.
        data = must(["jpegtran", "-copy", "none", "-crop",
                     "%dx%d+%d+%d" % (region[2:] + region[:2])], data)
    done = run(["jpegtran", "-copy", "none", "-perfect"] + TURNS[turn], data)
    return done.stdout if done.returncode == 0 else None


class JpegTruthTest(unittest.TestCase):

    def ours(self, data, turn, region=()):
        with tempfile.NamedTemporaryFile() as file:
            file.write(data)
            file.flush()
            done = run([PROBE, "move", file.name] +
                       [str(n) for n in turn + tuple(region)])
        if done.returncode == INEXACT:
            self.assertEqual(done.stdout, b"")
            return None
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def check(self, data, turn, region=()):
        expected = by_jpegtran(data, turn, region)
        result = self.ours(data, turn, region)
        self.assertEqual(result is None, expected is None)
        if expected is not None:
            self.assertEqual(same_form(result), same_form(expected))
        return expected is not None

    def test_turns_are_those_of_jpegtran(self):
        exact = 0
        for name, (flags, (wide, high)) in KINDS.items():
            # Whole units; part of one at the right, below, at both; one pixel.
            for width, height in [(3 * wide, 5 * high),
                                  (3 * wide - 5, 5 * high),
                                  (3 * wide, 5 * high - 3),
                                  (2 * wide + 1, 3 * high + 1), (1, 1)]:
                data = made(width, height, flags)
                for turn in TURNS:
                    with self.subTest(name, size=(width, height), turn=turn):
                        exact += self.check(data, turn)
        # Every turn of the first, half of the next two, two of the rest.
        self.assertEqual(exact, len(KINDS) * (8 + 4 + 4 + 2 + 2))

    def test_larger_files_too(self):
        for name, width, height in [("4:2:0", 1008, 1000), ("4:2:2", 992, 600),
                                    ("restart each row", 640, 480)]:
            data = made(width, height, KINDS[name][0])
            for turn in TURNS:
                with self.subTest(name, turn=turn):
                    self.check(data, turn)

    def test_what_starts_with_a_unit_is_cut_exactly(self):
        for name, (flags, (wide, high)) in KINDS.items():
            width, height = 6 * wide + 3, 5 * high + 7
            data = made(width, height, flags)
            regions = [(wide, 2 * high, 3 * wide, 2 * high),
                       (2 * wide, 0, 1, 1),
                       (0, high, 3 * wide - 1, 2 * high + 3),
                       (wide, high, width - wide, height - high)]
            for region, turn in itertools.product(regions, list(TURNS)[::3]):
                with self.subTest(name, region=region, turn=turn):
                    self.check(data, turn, region)

    def test_what_starts_within_a_unit_is_refused(self):
        for name, (flags, (wide, high)) in KINDS.items():
            data = made(4 * wide, 4 * high, flags)
            for region in [(1, 0, wide, high), (0, high - 1, wide, high)]:
                with self.subTest(name, region=region):
                    self.assertIsNone(self.ours(data, (0, 0), region))

    def test_a_side_that_becomes_the_first_must_be_that_of_a_unit(self):
        """The other may lie anywhere, where jpegtran knows no way."""
        data = made(96, 64, ["-sample", "2x2"])
        result = self.ours(data, (1, 0), (5, 0, 43, 32))
        whole = must(["jpegtran", "-copy", "none", "-crop", "48x32+0+0"], data)
        turned = must(["jpegtran", "-copy", "none", "-perfect", "-flip",
                       "horizontal"], whole)
        expected = must(["jpegtran", "-copy", "none", "-crop", "43x32+0+0"],
                        turned)
        self.assertEqual(same_form(result), same_form(expected))
        self.assertIsNone(self.ours(data, (1, 0), (0, 0, 43, 32)))

    def test_density_turns_with_the_picture(self):
        data = bytearray(made(16, 32, ["-sample", "1x1"]))
        self.assertEqual(data[6:11], b"JFIF\0")
        data[13:18] = b"\1\0\x48\0\x90"
        turned = self.ours(bytes(data), (0, 1))
        self.assertEqual(turned[13:18], b"\1\0\x90\0\x48")
        self.check(bytes(data), (0, 0))

    def test_inks_are_left_to_pixels(self):
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            Image.new("CMYK", (32, 32), (9, 80, 200, 30)).save(file.name)
            data = file.read()
        self.assertIsNone(self.ours(data, (0, 1)))


if __name__ == "__main__":
    unittest.main()
