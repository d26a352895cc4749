"""TIFF files of many writers decoded by us, and ours by others.

The files are put together here from arrays (tags, strips, tiles, predictors:
nothing of libtiff), written by Pillow, or made of others by tiffcp; libvips and
Pillow read what we write. With IMAGEADAPT_CORPORA, a folder with an INDEX.tsv,
its good files are compared with libvips and Pillow too.
"""
# SPDX-License-Identifier: Apache-2.0
import csv
import itertools
import os
import struct
import subprocess
import tempfile
import unittest
import zlib

import numpy as np
from PIL import Image, ImageSequence

from format_truth_test import by_pillow, decode

LIMIT_SECONDS = 60
VIPS_TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "f4", None, "f8"]
FORMATS = {"u": 1, "i": 2, "f": 3}


def packed(rows, bits, order):
    """Rows of samples as bytes; samples of few bits side by side."""
    if rows.dtype.kind != "u" or bits in (8, 16, 32, 64):
        return [row.astype(row.dtype.newbyteorder(order)).tobytes()
                for row in rows]
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint32)
    ones = (rows[..., None].astype(np.uint32) >> shifts & 1).astype(np.uint8)
    return [np.packbits(row.reshape(-1)).tobytes() for row in ones]


def predicted(block, predictor, order):
    """Rows of a strip or tile (height, width, channels) as bytes."""
    height, width, channels = block.shape
    if predictor == 2:
        whole = block.view("u%d" % block.dtype.itemsize)
        difference = whole.copy()
        difference[:, 1:] -= whole[:, :-1]
        return packed(difference.reshape(height, -1),
                      8 * block.dtype.itemsize, order)
    # All first bytes of a row, all second ones...; then their differences.
    size = block.dtype.itemsize
    parts = block.astype(block.dtype.newbyteorder(">")).view(np.uint8).reshape(
        height, width * channels, size).transpose(0, 2, 1).reshape(height, -1)
    difference = parts.copy()
    difference[:, channels:] -= parts[:, :-channels]
    return [row.tobytes() for row in difference]


class Page:
    """One picture, from an array (height, width, channels) of its samples."""

    def __init__(self, array, bits=None, planar=False, tile=None,
                 rows_per_strip=5, deflate=False, predictor=1, tags=None):
        self.array = array
        self.bits = bits or 8 * array.dtype.itemsize
        self.planar, self.tile = planar, tile
        self.rows_per_strip = rows_per_strip
        self.deflate, self.predictor = deflate, predictor
        self.tags = tags or {}

    def blocks(self, order):
        planes = ([self.array[..., c:c + 1]
                   for c in range(self.array.shape[2])]
                  if self.planar else [self.array])
        height, width = self.array.shape[:2]
        for plane in planes:
            if self.tile:
                wide, high = self.tile
                for y, x in itertools.product(range(0, height, high),
                                              range(0, width, wide)):
                    block = np.full((high, wide, plane.shape[2]), 77,
                                    plane.dtype)
                    part = plane[y:y + high, x:x + wide]
                    block[:part.shape[0], :part.shape[1]] = part
                    yield self.bytes_of(block, order)
            else:
                for y in range(0, height, self.rows_per_strip):
                    yield self.bytes_of(plane[y:y + self.rows_per_strip],
                                        order)

    def bytes_of(self, block, order):
        if self.predictor == 1:
            rows = packed(block.reshape(block.shape[0], -1), self.bits, order)
        else:
            rows = predicted(block, self.predictor, order)
        data = b"".join(rows)
        return zlib.compress(data) if self.deflate else data

    def all_tags(self, offsets, counts):
        height, width, channels = self.array.shape
        tags = {256: width, 257: height, 258: [self.bits] * channels,
                259: 8 if self.deflate else 1, 262: 1 if channels < 3 else 2,
                277: channels, 284: 2 if self.planar else 1,
                317: self.predictor,
                339: [FORMATS[self.array.dtype.kind]] * channels}
        if channels in (2, 4):
            tags[338] = 2
        if self.tile:
            tags.update({322: self.tile[0], 323: self.tile[1], 324: offsets,
                         325: counts})
        else:
            tags.update({273: offsets, 278: self.rows_per_strip, 279: counts})
        tags.update(self.tags)
        return tags


SHORTS = {258, 259, 262, 274, 277, 284, 317, 320, 338, 339}


def tiff(pages, order="<", big=False):
    """A file of these pages; directories stand behind their samples."""
    offset_format = order + ("Q" if big else "I")
    room = 8 if big else 4
    mark = b"II" if order == "<" else b"MM"
    data = bytearray(mark + (struct.pack(order + "HHHQ", 43, 8, 0, 0) if big
                             else struct.pack(order + "HI", 42, 0)))
    link = 8 if big else 4
    for page in pages:
        offsets, counts = [], []
        for block in page.blocks(order):
            offsets.append(len(data))
            counts.append(len(block))
            data += block
        entries = []
        for tag, values in sorted(page.all_tags(offsets, counts).items()):
            values = values if isinstance(values, list) else [values]
            kind = 3 if tag in SHORTS else 16 if big else 4
            letter = {3: "H", 4: "I", 16: "Q"}[kind]
            value = struct.pack(order + letter * len(values), *values)
            if len(value) > room:
                data += b"\0" * (-len(data) % 8)
                at = len(data)
                data += value
                value = struct.pack(offset_format, at)
            entries.append(struct.pack(order + "HH", tag, kind)
                           + struct.pack(offset_format, len(values))
                           + value.ljust(room, b"\0"))
        data += b"\0" * (-len(data) % 8)
        data[link:link + room] = struct.pack(offset_format, len(data))
        data += struct.pack(order + ("Q" if big else "H"), len(entries))
        data += b"".join(entries)
        link = len(data)
        data += b"\0" * room
    return bytes(data)


def by_vips(path, folder, page=0):
    """What libvips reads, as an array."""
    target = os.path.join(folder, "vips.v")
    subprocess.run(["vips", "copy", f"{path}[page={page}]", target],
                   check=True, capture_output=True, timeout=LIMIT_SECONDS)
    with open(target, "rb") as file:
        data = file.read()
    width, height, bands, _, kind = struct.unpack("<5i", data[4:24])
    dtype = np.dtype(VIPS_TYPES[kind])
    size = width * height * bands * dtype.itemsize
    return np.frombuffer(data[64:64 + size], dtype).reshape(
        height, width, bands)


class TiffTruthTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.random = np.random.default_rng(1)

    def samples(self, dtype, channels, size=(37, 23)):
        shape = (size[1], size[0], channels)
        dtype = np.dtype(dtype)
        if dtype.kind == "f":
            return self.random.normal(size=shape).astype(dtype)
        limits = np.iinfo(dtype)
        return self.random.integers(limits.min, limits.max, shape, dtype,
                                    endpoint=True)

    def write(self, data, name="file.tif"):
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def check(self, data, expected):
        """Pages of a file, bit by bit."""
        frames = decode(self.write(data))
        self.assertIsInstance(frames, list, frames)
        self.assertEqual(len(frames), len(expected))
        for (array, _), wanted in zip(frames, expected):
            self.assertEqual(array.dtype, wanted.dtype)
            np.testing.assert_array_equal(array, wanted)

    def test_types_and_layouts(self):
        cases = itertools.product(
            ("u1", "u2", "f4"), (1, 2, 3, 4), "<>", (False, True),
            (False, True), (None, (16, 32)))
        for kind, channels, order, big, planar, tile in cases:
            with self.subTest(kind=kind, channels=channels, order=order,
                              big=big, planar=planar, tile=tile):
                array = self.samples(kind, channels)
                page = Page(array, planar=planar, tile=tile)
                self.check(tiff([page], order, big), [array])

    def test_predictors(self):
        cases = itertools.product(
            ("u1", "u2", "f4"), (1, 3, 4), "<>", (False, True),
            (None, (16, 32)), (2, 3))
        for kind, channels, order, planar, tile, predictor in cases:
            if predictor == 3 and kind != "f4":
                continue
            with self.subTest(kind=kind, channels=channels, order=order,
                              planar=planar, tile=tile, predictor=predictor):
                array = self.samples(kind, channels)
                page = Page(array, planar=planar, tile=tile, deflate=True,
                            predictor=predictor)
                self.check(tiff([page], order), [array])

    def test_few_bits(self):
        """Spread over the full range, to the nearest."""
        for bits in (*range(1, 8), *range(9, 16)):
            most = (1 << bits) - 1
            full = 255 if bits <= 8 else 65535
            for channels, order in itertools.product((1, 3), "<>"):
                with self.subTest(bits=bits, channels=channels, order=order):
                    array = self.random.integers(
                        0, most, (23, 37, channels), np.uint16, endpoint=True)
                    expected = np.rint(array.astype(float) * full / most)
                    kind = np.uint8 if bits <= 8 else np.uint16
                    page = Page(array, bits=bits)
                    self.check(tiff([page], order), [expected.astype(kind)])

    def test_types_that_we_do_not_have(self):
        for order in "<>":
            for kind, convert in (
                    ("i1", lambda a: (a.astype(int) + 128).astype(np.uint8)),
                    ("i2", lambda a: (a.astype(int) + 32768).astype("u2")),
                    ("u4", lambda a: a.astype(np.float32)),
                    ("i4", lambda a: a.astype(np.float32)),
                    ("u8", lambda a: a.astype(np.float32)),
                    ("i8", lambda a: a.astype(np.float32)),
                    ("f2", lambda a: a.astype(np.float32)),
                    ("f8", lambda a: a.astype(np.float32))):
                for planar in (False, True):
                    with self.subTest(kind=kind, order=order, planar=planar):
                        array = self.samples(kind, 3)
                        page = Page(array, planar=planar)
                        self.check(tiff([page], order), [convert(array)])

    def test_every_half(self):
        array = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
        frames = decode(self.write(tiff([Page(array.view(np.float16))])))
        expected = array.view(np.float16).astype(np.float32)
        same = (frames[0][0] == expected) | (
            np.isnan(frames[0][0]) & np.isnan(expected))
        self.assertTrue(same.all())

    def test_pages(self):
        arrays = [self.samples("u1", 3), self.samples("f4", 1, (5, 60)),
                  self.samples("u2", 4, (90, 2))]
        for order, big in itertools.product("<>", (False, True)):
            pages = [Page(arrays[0]), Page(arrays[1], tile=(16, 16)),
                     Page(arrays[2], planar=True, deflate=True, predictor=2)]
            with self.subTest(order=order, big=big):
                self.check(tiff(pages, order, big), arrays)

    def test_palettes(self):
        colors = self.random.integers(0, 256, (3, 256), np.uint16)
        for bits in (1, 2, 4, 8):
            count = 1 << bits
            indices = self.random.integers(0, count, (23, 37, 1), np.uint8)
            palette = colors[:, :count]
            tags = {262: 3, 320: (palette * 257).reshape(-1).tolist()}
            expected = palette.T[indices[..., 0]].astype(np.uint8)
            with self.subTest(bits=bits):
                self.check(tiff([Page(indices, bits=bits, tags=tags)]),
                           [expected])

    def copies(self, path, *options):
        target = os.path.join(self.folder, "copy.tif")
        subprocess.run(["tiffcp", *options, path, target], check=True,
                       capture_output=True, timeout=LIMIT_SECONDS)
        return target

    def test_what_tiffcp_makes(self):
        compressions = ["none", "lzw", "lzw:2", "zip", "zip:2", "packbits",
                        "zstd", "zstd:2", "lzma", "lzma:2"]
        layouts = [(), ("-p", "separate"), ("-t", "-w", "16", "-l", "32"),
                   ("-t", "-w", "16", "-l", "16", "-p", "separate"),
                   ("-B",), ("-8",), ("-r", "1"), ("-f", "lsb2msb"),
                   ("-r", "23")]
        for kind, channels in (("u1", 3), ("u2", 4)):
            array = self.samples(kind, channels)
            source = self.write(tiff([Page(array)]), "source.tif")
            for compression, layout in itertools.product(compressions,
                                                         layouts):
                # tiffcp parts bytes only.
                if kind == "u2" and "separate" in layout:
                    continue
                with self.subTest(kind=kind, compression=compression,
                                  layout=layout):
                    copy = self.copies(source, "-c", compression, *layout)
                    frames = decode(copy)
                    self.assertIsInstance(frames, list, frames)
                    np.testing.assert_array_equal(frames[0][0], array)

    def test_what_tiffcp_makes_of_bits(self):
        bits = self.random.integers(0, 2, (23, 37, 1), np.uint8)
        for white in (0, 1):
            page = Page(bits, bits=1, tags={262: white})
            source = self.write(tiff([page]), "source.tif")
            expected = (bits if white else 1 - bits) * 255
            for compression in ("g3:1d", "g3:2d", "g3:2d:fill", "g4",
                                "packbits", "lzw", "zip"):
                for order in ("msb2lsb", "lsb2msb"):
                    with self.subTest(white=white, compression=compression,
                                      order=order):
                        copy = self.copies(source, "-c", compression, "-f",
                                           order)
                        frames = decode(copy)
                        self.assertIsInstance(frames, list, frames)
                        np.testing.assert_array_equal(frames[0][0], expected)

    def test_jpegs_inside(self):
        # Flat, so that how chroma is made larger does not matter much.
        array = np.full((64, 48, 3), (200, 40, 90), np.uint8)
        source = self.write(tiff([Page(array)]), "source.tif")
        for options in (("jpeg",), ("jpeg:r",)):
            for layout in (("-r", "64"), ("-t", "-w", "16", "-l", "16"),
                           ("-r", "16")):
                with self.subTest(options=options, layout=layout):
                    copy = self.copies(source, "-c", *options, *layout)
                    frames = decode(copy)
                    self.assertIsInstance(frames, list, frames)
                    theirs = by_vips(copy, self.folder)
                    difference = frames[0][0].astype(int) - theirs
                    self.assertLessEqual(np.abs(difference).max(), 1)

    def test_what_pillow_writes(self):
        cases = itertools.product(
            ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "F"),
            (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"))
        for mode, compression in cases:
            with self.subTest(mode=mode, compression=compression):
                picture = self.picture(mode)
                path = os.path.join(self.folder, "pillow.tif")
                picture.save(path, compression=compression)
                self.compare_with_pillow(path)
        for compression in ("group3", "group4"):
            with self.subTest(compression=compression):
                path = os.path.join(self.folder, "pillow.tif")
                self.picture("1").save(path, compression=compression)
                self.compare_with_pillow(path)

    def picture(self, mode):
        if mode == "F":
            return Image.fromarray(self.samples("f4", 1)[..., 0], mode)
        if mode == "I;16":
            return Image.fromarray(self.samples("u2", 1)[..., 0], mode)
        if mode in ("1", "P"):
            picture = Image.fromarray(self.samples("u1", 3), "RGB")
            return picture.quantize(200) if mode == "P" else picture.convert(
                "1")
        channels = len(Image.new(mode, (1, 1)).getbands())
        return Image.fromarray(self.samples("u1", channels).squeeze(), mode)

    def compare_with_pillow(self, path):
        frames = decode(path)
        self.assertIsInstance(frames, list, frames)
        with Image.open(path) as theirs:
            self.assertEqual(len(frames), theirs.n_frames)
            for (array, _), frame in zip(frames,
                                         ImageSequence.Iterator(theirs)):
                if frame.mode in ("F", "I;16"):
                    expected = np.asarray(frame)[..., None]
                else:
                    expected = by_pillow(frame, array.shape[2])
                np.testing.assert_array_equal(array, expected)

    def encode(self, arrays):
        names = {np.dtype("u1"): b"u8", np.dtype("u2"): b"u16",
                 np.dtype("f4"): b"f32"}
        parts = [b"frames %d -1\n" % len(arrays)]
        for array in arrays:
            height, width, channels = array.shape
            parts.append(b"frame %d %d %d %s 0\n" % (
                width, height, channels, names[array.dtype]))
            parts.append(array.tobytes())
        data = subprocess.run(
            [os.environ["IMAGEADAPT_FORMAT_PROBE"], "encode", "image/tiff",
             "90"], input=b"".join(parts), capture_output=True, check=True,
            timeout=LIMIT_SECONDS).stdout
        return self.write(data, "ours.tif")

    def test_our_files(self):
        for kind, channels in itertools.product(("u1", "u2", "f4"),
                                                (1, 2, 3, 4)):
            with self.subTest(kind=kind, channels=channels):
                array = self.samples(kind, channels, (301, 203))
                path = self.encode([array])
                np.testing.assert_array_equal(by_vips(path, self.folder),
                                              array)
                if kind == "u1":
                    self.compare_with_pillow(path)
                # Also as libtiff's own tools see it, tags and all.
                told = subprocess.run(
                    ["tiffinfo", path], capture_output=True, check=True,
                    timeout=LIMIT_SECONDS, text=True)
                self.assertEqual(told.stderr, "")
                copy = self.copies(path, "-c", "none")
                np.testing.assert_array_equal(decode(copy)[0][0], array)

    def test_our_pages(self):
        arrays = [self.samples("u1", 3, (40 + 9 * i, 30)) for i in range(5)]
        path = self.encode(arrays)
        self.compare_with_pillow(path)
        for page, array in enumerate(arrays):
            np.testing.assert_array_equal(by_vips(path, self.folder, page),
                                          array)

    def theirs(self, path, array):
        """What another reads that means what we mean, or None."""
        try:
            theirs = by_vips(path, self.folder)
        except subprocess.CalledProcessError:
            theirs = None
        if (theirs is not None and theirs.shape == array.shape
                and theirs.dtype == array.dtype):
            return theirs
        if array.dtype != np.uint8:
            return None
        try:
            with Image.open(path) as image:
                return by_pillow(image, array.shape[2])
        except (OSError, ValueError, SyntaxError):
            return None

    def test_good_files_of_the_corpora(self):
        folder = os.environ.get("IMAGEADAPT_CORPORA")
        if not folder:
            self.skipTest("IMAGEADAPT_CORPORA is not set")
        same, unread, other = 0, 0, []
        with open(os.path.join(folder, "INDEX.tsv"), encoding="utf-8") as index:
            rows = [row for row in csv.DictReader(index, delimiter="\t")
                    if row["kind"] == "valid" and row["format"] == "tiff"
                    and row["expected"] == "decodes"]
        for row in rows:
            path = os.path.join(folder, row["path"])
            ours = decode(path)
            theirs = None if isinstance(ours, str) else self.theirs(
                path, ours[0][0])
            if theirs is None:
                unread += 1
            elif np.array_equal(ours[0][0], theirs,
                                equal_nan=ours[0][0].dtype == np.float32):
                same += 1
            else:
                difference = np.abs(ours[0][0].astype(float) - theirs)
                other.append((row["path"], float(difference.max())))
        print(f"{same} files are the same, {unread} are not read alike")
        self.assertGreater(same, 100)
        # Up to 1: other roundings of inks and of alpha that is divided out.
        # CIELab: libtiff's way to RGB, not Pillow's. The others are no pictures
        # but what is stored: alpha still multiplied in, luma and chroma.
        self.assertLessEqual(
            {os.path.basename(path) for path, error in other if error > 1},
            {"hopper.Lab.tif", "lab-green.tif", "lab.tif",
             "minisblack-2c-8b-alpha.tiff", "ycbcr_lzw_bt709.tif"})


if __name__ == "__main__":
    unittest.main()
