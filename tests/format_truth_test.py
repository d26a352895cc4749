"""Files that Pillow wrote, decoded by us and by Pillow.

IMAGEADAPT_FORMAT_PROBE names the program that decodes with our codecs. With
IMAGEADAPT_CORPORA, a folder with an INDEX.tsv, its good files are compared too.
"""
# SPDX-License-Identifier: Apache-2.0
import csv
import os
import subprocess
import tempfile
import unittest

import numpy as np
from PIL import Image, ImageSequence

TYPES = {"u8": np.uint8, "u16": np.uint16, "f32": np.float32}
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
LIMIT_SECONDS = 60


def decode(path):
    """Frames as arrays and their delays in seconds; or the refusal's text."""
    out = subprocess.run([os.environ["IMAGEADAPT_FORMAT_PROBE"], path],
                         capture_output=True, check=True,
                         timeout=LIMIT_SECONDS).stdout
    frames, at = [], 0
    while True:
        end = out.index(b"\n", at)
        words = out[at:end].decode(errors="replace").split()
        at = end + 1
        if words[0] == "end":
            return frames
        if words[0] == "refused":
            return " ".join(words)
        width, height, channels = map(int, words[1:4])
        dtype = np.dtype(TYPES[words[4]])
        size = width * height * channels * dtype.itemsize
        frames.append((np.frombuffer(out[at:at + size], dtype).reshape(
            height, width, channels), float(words[5])))
        at += size


def by_pillow(image, channels):
    array = np.asarray(image.convert(MODES[channels]))
    return array.reshape(image.size[1], image.size[0], channels)


class FormatTruthTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.random = np.random.default_rng(1)

    def picture(self, mode, size=(37, 23)):
        channels = len(Image.new(mode, (1, 1)).getbands())
        array = self.random.integers(
            0, 256, (size[1], size[0], channels), np.uint8)
        return Image.fromarray(array.squeeze(), mode)

    def check(self, image, suffix, **options):
        path = os.path.join(self.folder, "file" + suffix)
        image.save(path, **options)
        frames = decode(path)
        self.assertIsInstance(frames, list, frames)
        self.assertEqual(len(frames), 1)
        array = frames[0][0]
        with Image.open(path) as theirs:
            np.testing.assert_array_equal(
                array, by_pillow(theirs, array.shape[2]))

    def test_stills_of_every_format(self):
        cases = {".png": ("L", "LA", "RGB", "RGBA"), ".bmp": ("L", "RGB"),
                 ".tga": ("L", "RGB", "RGBA"), ".ppm": ("L", "RGB")}
        for suffix, modes in cases.items():
            for mode in modes:
                with self.subTest(suffix=suffix, mode=mode):
                    self.check(self.picture(mode), suffix)

    def test_palettes_and_bits(self):
        palette = self.picture("RGB").quantize(13)
        for suffix in (".png", ".bmp", ".tga"):
            with self.subTest(suffix=suffix):
                self.check(palette, suffix)
        bits = self.picture("L").convert("1")
        for suffix in (".png", ".bmp", ".pbm"):
            with self.subTest(suffix=suffix):
                self.check(bits, suffix)
        self.check(self.picture("RGB"), ".tga", compression="tga_rle")

    def test_animations(self):
        """With every way of disposing and blending."""
        pictures = [self.picture("RGBA") for _ in range(5)]
        # Pillow pastes where it should blend: equal only without half alpha.
        for picture in pictures:
            picture.putalpha(picture.getchannel("A").point(
                lambda alpha: 255 if alpha > 99 else 0))
        # Parts that stay let Pillow store smaller frames.
        for picture in pictures[1:]:
            picture.paste(pictures[0].crop((0, 0, 37, 9)), (0, 0))
        for disposal in (0, 1, 2):
            for blend in (0, 1):
                path = os.path.join(self.folder, "frames.png")
                pictures[0].save(
                    path, save_all=True, append_images=pictures[1:],
                    duration=[100, 20, 30, 400, 50], disposal=disposal,
                    blend=blend)
                ours = decode(path)
                with self.subTest(disposal=disposal, blend=blend), \
                        Image.open(path) as theirs:
                    self.assertEqual(len(ours), theirs.n_frames)
                    for (array, delay), frame in zip(
                            ours, ImageSequence.Iterator(theirs)):
                        expected = by_pillow(frame, 4)
                        # Colours that are fully transparent are anybody's.
                        seen = expected[..., 3] > 0
                        np.testing.assert_array_equal(
                            array[..., 3], expected[..., 3])
                        np.testing.assert_array_equal(
                            array[seen], expected[seen])
                        self.assertAlmostEqual(
                            delay, frame.info["duration"] / 1000)

    def test_good_files_of_the_corpora(self):
        folder = os.environ.get("IMAGEADAPT_CORPORA")
        if not folder:
            self.skipTest("IMAGEADAPT_CORPORA is not set")
        same, other = 0, []
        with open(os.path.join(folder, "INDEX.tsv"), encoding="utf-8") as index:
            rows = [row for row in csv.DictReader(index, delimiter="\t")
                    if row["kind"] == "valid" and row["format"] == "png"
                    and row["expected"] == "decodes"]
        for row in rows:
            path = os.path.join(folder, row["path"])
            ours = decode(path)
            if isinstance(ours, str) or ours[0][0].dtype != np.uint8:
                continue
            with Image.open(path) as theirs:
                if np.array_equal(ours[0][0],
                                  by_pillow(theirs, ours[0][0].shape[2])):
                    same += 1
                else:
                    other.append(row["path"])
        print(f"{same} files are the same")
        # Pillow takes an index without a colour, and a transparent grey of
        # four bits, in its own way; libpng agrees with us on both.
        self.assertLessEqual(set(map(os.path.basename, other)), {
            "invalid_palette_index.png", "tbbn0g04.png"})


if __name__ == "__main__":
    unittest.main()
