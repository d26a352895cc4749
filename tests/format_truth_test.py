"""Files that Pillow or we wrote, decoded by us and by Pillow.

IMAGEADAPT_FORMAT_PROBE names the program that has our codecs. With
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


def probe(path):
    return subprocess.run([os.environ["IMAGEADAPT_FORMAT_PROBE"], path],
                          capture_output=True, check=True,
                          timeout=LIMIT_SECONDS).stdout


def plays_of(path):
    return int(probe(path).split()[-1])


def decode(path):
    """Frames as arrays and their delays in seconds; or the refusal's text."""
    out = probe(path)
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


def encode(frames, mime_type, quality=90, delays=None, plays=-1):
    """A file of these arrays; plays -1: a still picture."""
    parts = [b"frames %d %d\n" % (len(frames), plays)]
    for frame, delay in zip(frames, delays or [0] * len(frames)):
        height, width, channels = frame.shape
        parts.append(b"frame %d %d %d u8 %f\n" % (
            width, height, channels, delay))
        parts.append(frame.tobytes())
    return subprocess.run(
        [os.environ["IMAGEADAPT_FORMAT_PROBE"], "encode", mime_type,
         str(quality)], input=b"".join(parts), capture_output=True, check=True,
        timeout=LIMIT_SECONDS).stdout


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
                 ".tga": ("L", "RGB", "RGBA"), ".ppm": ("L", "RGB"),
                 ".gif": ("L",), ".webp": ("RGB", "RGBA")}
        for suffix, modes in cases.items():
            for mode in modes:
                with self.subTest(suffix=suffix, mode=mode):
                    self.check(self.picture(mode), suffix)

    def test_palettes_and_bits(self):
        palette = self.picture("RGB").quantize(13)
        for suffix in (".png", ".bmp", ".gif", ".tga"):
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

    def seen(self, array):
        """Colours that are fully transparent are anybody's."""
        if array.shape[2] % 2 == 1:
            return array
        return np.where(array[..., -1:] == 0, 0, array)

    def compare_with_pillow(self, path):
        """Ours and Pillow's frames of a file; returns how many."""
        ours = decode(path)
        self.assertIsInstance(ours, list, ours)
        with Image.open(path) as theirs:
            self.assertEqual(len(ours), getattr(theirs, "n_frames", 1))
            for i, (array, delay) in enumerate(ours):
                theirs.seek(i)
                expected = by_pillow(theirs, array.shape[2])
                difference = np.abs(self.seen(array).astype(int)
                                    - self.seen(expected))
                self.assertEqual(difference.max(), 0, i)
                self.assertAlmostEqual(
                    delay, theirs.info.get("duration", 0) / 1000)
        return len(ours)

    def moving_squares(self, has_holes):
        """Frames whose parts change, so that Pillow stores only these; each
        with a palette of its own."""
        frames = []
        for i in range(6):
            array = np.zeros((40, 50, 4), np.uint8)
            array[..., 3] = 0 if has_holes else 255
            array[:, :, :3] = (0, 60, 0)
            array[3:20, 3:20] = (200, 10, 10, 255)
            array[5 + 3 * i:20 + 3 * i, 10 + 5 * i:20 + 5 * i] = (
                9, 40 * i, 255 - 30 * i, 255)
            noise = self.random.integers(0, 5, (8, 8, 1)) * (1, 30, 50)
            array[30:38, 40:48] = np.dstack([noise, np.full((8, 8), 255)])
            frames.append(Image.fromarray(array, "RGBA"))
        return frames

    def test_gif_stills(self):
        path = os.path.join(self.folder, "still.gif")
        palette = self.picture("RGB", (61, 47)).quantize(200)
        for colors in (2, 3, 17, 256):
            for interlace in (0, 1):
                for options in ({}, {"transparency": 1}):
                    with self.subTest(colors=colors, interlace=interlace,
                                      **options):
                        palette.quantize(colors).save(
                            path, interlace=interlace, **options)
                        self.compare_with_pillow(path)

    def test_gif_animations(self):
        path = os.path.join(self.folder, "frames.gif")
        # A first frame to go back from is kept by Pillow; libvips goes back to
        # the empty canvas, as we do.
        for disposal in (0, 1, 2, [1, 3, 3, 3, 3, 3], [1, 2, 3, 2, 1, 0]):
            for has_holes in (False, True):
                for loop in (0, 1, 7, None):
                    frames = self.moving_squares(has_holes)
                    options = {} if loop is None else {"loop": loop}
                    frames[0].save(
                        path, save_all=True, append_images=frames[1:],
                        duration=[100, 20, 30, 400, 50, 70],
                        disposal=disposal, **options)
                    with self.subTest(disposal=disposal, holes=has_holes,
                                      loop=loop):
                        self.assertEqual(self.compare_with_pillow(path), 6)
                        # Repetitions; plays are one more.
                        self.assertEqual(
                            plays_of(path), 1 if loop is None else
                            loop and loop + 1)

    def test_webp_animations(self):
        """Pillow composites by libwebp, too: of the whole file at once."""
        path = os.path.join(self.folder, "frames.webp")
        pictures = [self.picture("RGBA") for _ in range(4)]
        for frames in (pictures, self.moving_squares(True),
                       self.moving_squares(False)):
            for options in ({"lossless": True}, {"quality": 80},
                            {"allow_mixed": True, "minimize_size": True},
                            {"lossless": True, "kmin": 3, "kmax": 5}):
                with self.subTest(**options):
                    frames[0].save(
                        path, save_all=True, append_images=frames[1:],
                        duration=[100 + 3 * i for i in range(len(frames))],
                        loop=5, **options)
                    self.compare_with_pillow(path)
                    self.assertEqual(plays_of(path), 5)

    def written(self, frames, suffix, mime_type, **options):
        """A file of ours, as Pillow opens it."""
        path = os.path.join(self.folder, "ours" + suffix)
        with open(path, "wb") as file:
            file.write(encode(frames, mime_type, **options))
        return Image.open(path)

    def test_our_gifs(self):
        delays = [0.1, 0.25, 0.02, 2.0, 0.03, 0.07]
        for has_holes in (False, True):
            channels = 4 if has_holes else 3
            frames = [np.ascontiguousarray(np.asarray(frame)[..., :channels])
                      for frame in self.moving_squares(has_holes)]
            for plays in (0, 1, 2, 9):
                with self.subTest(holes=has_holes, plays=plays), self.written(
                        frames, ".gif", "image/gif", delays=delays,
                        plays=plays) as theirs:
                    self.assertEqual(theirs.n_frames, len(frames))
                    self.assertEqual(
                        theirs.info.get("loop"),
                        {0: 0, 1: None}.get(plays, plays - 1))
                    for i, frame in enumerate(frames):
                        theirs.seek(i)
                        np.testing.assert_array_equal(
                            self.seen(by_pillow(theirs, channels)),
                            self.seen(frame))
                        self.assertAlmostEqual(
                            theirs.info["duration"], delays[i] * 1000)

    def test_our_gifs_of_many_colours(self):
        """No worse than Pillow's own, by the mean of 3 x 3 pixels: dithering
        spreads what is wrong."""
        y, x = np.mgrid[:120, :160]
        picture = np.stack([x * 255 // 159, y * 255 // 119,
                            127 + 120 * np.sin(x / 17) * np.cos(y / 23)],
                           2).astype(np.uint8)

        def error(image):
            difference = by_pillow(image, 3).astype(float) - picture
            means = sum(difference[i:118 + i, j:158 + j]
                        for i in range(3) for j in range(3)) / 9
            return np.abs(means).mean()

        theirs = Image.fromarray(picture).quantize(256)
        with self.written([picture], ".gif", "image/gif") as ours:
            self.assertLess(error(ours), error(theirs))
            self.assertLess(error(ours), 3)

    def test_our_webps(self):
        for channels in (3, 4):
            noise = np.asarray(self.picture(MODES[channels], (61, 47)))
            with self.written([noise], ".webp", "image/webp",
                              quality="lossless") as theirs:
                np.testing.assert_array_equal(by_pillow(theirs, channels),
                                              noise)
            y, x = np.mgrid[:90, :120]
            smooth = np.stack([x * 2, y * 2, x + y, 255 - x][:channels],
                              2).astype(np.uint8)
            with self.written([smooth], ".webp", "image/webp",
                              quality=90) as theirs:
                self.assertEqual(theirs.mode, MODES[channels])
                difference = np.abs(by_pillow(theirs, channels).astype(int)
                                    - smooth)
                self.assertLess(difference.mean(), 2)
                self.assertLess(difference.max(), 20)

    def test_our_webp_animations(self):
        delays = [0.1, 0.033, 0.02, 2.0, 0.03, 0.07]
        frames = [np.asarray(frame) for frame in self.moving_squares(True)]
        with self.written(frames, ".webp", "image/webp", delays=delays,
                          plays=3, quality="lossless") as theirs:
            self.assertEqual(theirs.n_frames, len(frames))
            self.assertEqual(theirs.info["loop"], 3)
            for i, frame in enumerate(frames):
                theirs.seek(i)
                np.testing.assert_array_equal(
                    self.seen(by_pillow(theirs, 4)), self.seen(frame))
                self.assertAlmostEqual(theirs.info["duration"],
                                       delays[i] * 1000)

    def test_good_files_of_the_corpora(self):
        folder = os.environ.get("IMAGEADAPT_CORPORA")
        if not folder:
            self.skipTest("IMAGEADAPT_CORPORA is not set")
        same, other = {}, []
        with open(os.path.join(folder, "INDEX.tsv"), encoding="utf-8") as index:
            rows = [row for row in csv.DictReader(index, delimiter="\t")
                    if row["kind"] == "valid"
                    and row["format"] in ("png", "gif", "webp")
                    and row["expected"] == "decodes"]
        for row in rows:
            path = os.path.join(folder, row["path"])
            ours = decode(path)
            if isinstance(ours, str) or ours[0][0].dtype != np.uint8:
                continue
            try:
                if row["format"] == "png":
                    # Broken animations are anybody's.
                    with Image.open(path) as theirs:
                        np.testing.assert_array_equal(
                            ours[0][0], by_pillow(theirs, ours[0][0].shape[2]))
                else:
                    self.compare_with_pillow(path)
                same[row["format"]] = same.get(row["format"], 0) + 1
            except AssertionError:
                other.append(row["path"])
        print("files that are the same:", same)
        # Pillow takes an index without a colour, and a transparent grey of
        # four bits, in its own way; libpng agrees with us on both.
        self.assertLessEqual(set(map(os.path.basename, other)), {
            "invalid_palette_index.png", "tbbn0g04.png",
            # What lies around the first frame, and what is left where a frame
            # was, is the palette's first colour in Pillow; libvips agrees with
            # us.
            "issue_1455_undersized.gif", "dispose_bgnd.gif",
            "dispose_bgnd_rgba.gif"})


if __name__ == "__main__":
    unittest.main()
