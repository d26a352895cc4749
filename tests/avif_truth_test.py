"""AVIF files of avifenc decoded by us, and ours by avifdec.

PNG files go between the programs; Pillow and our own PNG codec, which has a
truth test of its own, read and write them. With IMAGEADAPT_CORPORA, a folder
with an INDEX.tsv, its good files are compared with avifdec too.
"""
# SPDX-License-Identifier: Apache-2.0
import csv
import os
import subprocess
import tempfile
import unittest

import numpy as np
from PIL import Image

from format_truth_test import LIMIT_SECONDS, decode

NAMES = {np.dtype(np.uint8): "u8", np.dtype(np.uint16): "u16"}


def run(*words):
    return subprocess.run(words, capture_output=True, check=True, text=True,
                          timeout=LIMIT_SECONDS).stdout


def encode(frames, quality, plays=-1, delays=None, mime_type="image/avif"):
    parts = [b"frames %d %d\n" % (len(frames), plays)]
    for frame, delay in zip(frames, delays or [0] * len(frames)):
        height, width, channels = frame.shape
        parts.append(b"frame %d %d %d %s %f\n" % (
            width, height, channels, NAMES[frame.dtype].encode(), delay))
        parts.append(frame.tobytes())
    return subprocess.run(
        [os.environ["IMAGEADAPT_FORMAT_PROBE"], "encode", mime_type,
         str(quality)], input=b"".join(parts), capture_output=True, check=True,
        timeout=LIMIT_SECONDS).stdout


class AvifTruthTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.random = np.random.default_rng(1)

    def path(self, name):
        return os.path.join(self.folder, name)

    def noise(self, channels, dtype=np.uint8, size=(37, 23)):
        most = np.iinfo(dtype).max
        return self.random.integers(
            0, most, (size[1], size[0], channels), dtype, endpoint=True)

    def smooth(self, channels, size=(120, 80)):
        """What lossy formats are made for."""
        x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
        planes = [127 + 100 * np.sin(x / (9 + 4 * c)) * np.cos(y / (14 - 2 * c))
                  for c in range(channels)]
        return np.dstack(planes).astype(np.uint8)

    def decoded(self, path):
        frames = decode(path)
        self.assertIsInstance(frames, list, frames)
        return [array for array, _ in frames]

    def by_avifdec(self, path, depth):
        out = self.path("theirs.png")
        run("avifdec", "--jobs", "1", "-d", str(depth), path, out)
        return self.decoded(out)[0]

    def alike(self, theirs, ours):
        """avifdec writes some grey as RGB, and opaque pixels with alpha."""
        if ours.shape[2] < 3 <= theirs.shape[2]:
            theirs = np.delete(theirs, [1, 2], axis=2)
        return theirs[..., :ours.shape[2]]

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def test_files_of_avifenc_without_loss(self):
        for channels in (1, 3, 4):
            array = self.noise(channels)
            source = self.path("source.png")
            Image.fromarray(array.squeeze()).save(source)
            words = ["-y", "400"] if channels == 1 else []
            run("avifenc", "--lossless", "--speed", "10", *words, source,
                self.path("lossless.avif"))
            ours = self.decoded(self.path("lossless.avif"))[0]
            with self.subTest(channels=channels):
                np.testing.assert_array_equal(ours, array)

    def test_our_files_without_loss(self):
        for channels in (1, 2, 3, 4):
            array = self.noise(channels)
            path = self.write("ours.avif", encode([array], "lossless"))
            theirs = self.by_avifdec(path, 8)
            with self.subTest(channels=channels):
                theirs = self.alike(theirs, array)
                np.testing.assert_array_equal(theirs, array)

    def test_our_files_of_10_and_12_bits(self):
        for bits in (10, 12):
            most = (1 << bits) - 1
            for channels in (1, 2, 3, 4):
                array = self.noise(channels, np.uint16)
                data = encode([array], "lossless,%d" % bits)
                path = self.write("ours.avif", data)
                self.assertIn("Bit Depth      : %d" % bits,
                              run("avifdec", "--info", path))
                # libavif narrows in single precision: half a step, and what
                # that loses. A sample is rounded once more when it is wide.
                step = 65535 / most
                for back in (self.by_avifdec(path, 16), self.decoded(path)[0]):
                    error = np.abs(self.alike(back, array) - array.astype(int))
                    with self.subTest(bits=bits, channels=channels):
                        self.assertLessEqual(error.max(), 0.501 * step + 0.5)

    def planes(self, path, depth):
        """Luma and chroma as they are in the file, chroma interpolated."""
        run("avifdec", "--jobs", "1", path, self.path("planes.y4m"))
        with open(self.path("planes.y4m"), "rb") as file:
            head = file.readline().decode().split()
            file.readline()  # FRAME
            samples = np.frombuffer(
                file.read(), np.uint8 if depth == 8 else np.dtype("<u2"))
        width, height = (int(word[1:]) for word in head[1:3])
        luma = samples[:width * height].reshape(height, width).astype(float)
        if len(samples) == luma.size:
            return luma, None, None
        size = (len(samples) - luma.size) // 2
        rows = height if size * 2 != luma.size // 2 else height // 2
        chroma = samples[luma.size:].reshape(2, rows, -1).astype(float)
        if rows < height:
            chroma = self.doubled(chroma, axis=1)
        if chroma.shape[2] < width:
            chroma = self.doubled(chroma, axis=2)
        return luma, chroma[0], chroma[1]

    @staticmethod
    def doubled(plane, axis):
        """Samples lie in the middle of the two that they become."""
        count = plane.shape[axis]
        near = np.repeat(np.arange(count), 2)
        far = np.clip(near + np.tile([-1, 1], count), 0, count - 1)
        return (0.75 * plane.take(near, axis)
                + 0.25 * plane.take(far, axis))

    def expected(self, path, depth, span, cicp):
        """By the equations of ITU-T H.273, in double precision."""
        luma, blue, red = self.planes(path, depth)
        unit = 1 << (depth - 8)
        most = (1 << depth) - 1
        first, luma_span, chroma_span = (
            (16 * unit, 219 * unit, 224 * unit) if span == "limited"
            else (0, most, most))
        luma = (luma - first) / luma_span
        white = 255 if depth == 8 else 65535
        if blue is None:
            planes = [luma]
        else:
            blue = (blue - 128 * unit) / chroma_span
            red = (red - 128 * unit) / chroma_span
            of_red, of_blue = {"6": (0.299, 0.114), "1": (0.2126, 0.0722),
                               "9": (0.2627, 0.0593)}[cicp.split("/")[2]]
            r = luma + 2 * (1 - of_red) * red
            b = luma + 2 * (1 - of_blue) * blue
            g = (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue)
            planes = [r, g, b]
        return np.clip(np.floor(np.dstack(planes) * white + 0.5), 0, white)

    def test_lossy_files_of_every_kind(self):
        array = self.smooth(3)
        source = self.path("source.png")
        Image.fromarray(array).save(source)
        for depth in (8, 10, 12):
            for kind in ("444", "422", "420", "400"):
                for span in ("full", "limited"):
                    for cicp in ("1/13/6", "1/1/1", "9/16/9"):
                        path = self.path("lossy.avif")
                        run("avifenc", "-s", "10", "--min", "5", "--max", "9",
                            "-d", str(depth), "-y", kind, "-r", span,
                            "--cicp", cicp, source, path)
                        ours = self.decoded(path)[0]
                        truth = self.expected(path, depth, span, cicp)
                        with self.subTest(depth=depth, kind=kind, span=span,
                                          cicp=cicp):
                            self.assertEqual(ours.shape, truth.shape)
                            self.assertLessEqual(
                                np.abs(ours - truth).max(), 1)

    def compare(self, path, ours):
        """With avifdec; whether the shapes allow it."""
        is_byte = ours.dtype == np.uint8
        if is_byte and ours.shape[2] == 1:
            # In 8 bits it writes limited luma as it is.
            theirs = np.floor(self.by_avifdec(path, 16) / 257 + 0.5)
        else:
            theirs = self.by_avifdec(path, 8 if is_byte else 16)
        theirs = self.alike(theirs, ours)
        if theirs.shape != ours.shape:
            return False
        error = np.abs(ours.astype(int) - theirs)
        # With 8 bits it goes by libyuv, whose integers are up to 13 off what the
        # equations of BT.709 and BT.2020 give.
        self.assertLessEqual(error.max(), 14 if is_byte else 1)
        self.assertLess(error.mean(), 1.5)
        return True

    def test_animations(self):
        frames = [self.noise(4) for _ in range(4)]
        delays = [0.1, 0.02, 0.5, 0.033]
        path = self.write(
            "ours.avif", encode(frames, "lossless", plays=3, delays=delays))
        for index, frame in enumerate(frames):
            out = self.path("frame.png")
            run("avifdec", "--index", str(index), path, out)
            np.testing.assert_array_equal(self.decoded(out)[0], frame)
        for (_, delay), expected in zip(decode(path), delays):
            self.assertAlmostEqual(delay, expected, 4)

    def test_corpora(self):
        folder = os.environ.get("IMAGEADAPT_CORPORA")
        if not folder:
            self.skipTest("IMAGEADAPT_CORPORA is not set")
        compared = turned = refused = 0
        with open(os.path.join(folder, "INDEX.tsv"), encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file, delimiter="\t")
                    if row["format"] == "avif" and row["kind"] == "valid"
                    and row["expected"] == "decodes"]
        for row in rows:
            path = os.path.join(folder, row["path"])
            frames = decode(path)
            if not isinstance(frames, list):
                # The same library's own program says no more.
                self.assertRaises(subprocess.CalledProcessError,
                                  self.by_avifdec, path, 8)
                refused += 1
                continue
            with self.subTest(path=row["path"]):
                try:
                    is_alike = self.compare(path, frames[0][0])
                except subprocess.CalledProcessError:
                    continue  # it is stricter about "pixi"
                compared += is_alike
                turned += not is_alike
        print("%d of %d AVIF files compared, %d turned, %d refused" % (
            compared, len(rows), turned, refused))
        self.assertGreater(compared, 100)


if __name__ == "__main__":
    unittest.main()
