"""Volumes, float pictures and wavelets, decoded by us and by others.

IMAGEADAPT_FORMAT_PROBE names the program that decodes with our codecs. What a
file holds is known because NumPy wrote it here byte by byte, or is what Pillow
or libvips say where they are installed. With IMAGEADAPT_CORPORA, a folder with
an INDEX.tsv, its good files are compared too.
"""
# SPDX-License-Identifier: Apache-2.0
import csv
import gzip
import os
import shutil
import struct
import subprocess
import tempfile
import unittest
import zlib

import numpy as np
from PIL import Image

from format_truth_test import decode

NIFTI_TYPES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256,
               "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}


def nifti(array, version, order, slope=0.0, inter=0.0):
    """A file of `array`, whose last axis is the file's first."""
    lengths = list(array.shape[::-1])
    dim = [len(lengths)] + lengths + [1] * (7 - len(lengths))
    code = NIFTI_TYPES[array.dtype.str[1:]]
    bits = 8 * array.dtype.itemsize
    data = array.astype(array.dtype.newbyteorder(order)).tobytes()
    if version == 1:
        header = bytearray(352)
        struct.pack_into(order + "i", header, 0, 348)
        struct.pack_into(order + "8h", header, 40, *dim)
        struct.pack_into(order + "2h", header, 70, code, bits)
        struct.pack_into(order + "3f", header, 108, 352, slope, inter)
        header[344:347] = b"n+1"
    else:
        header = bytearray(544)
        struct.pack_into(order + "i8s2h8q", header, 0, 540,
                         b"n+2\0\r\n\032\n", code, bits, *dim)
        struct.pack_into(order + "q2d", header, 168, 544, slope, inter)
    return bytes(header) + data


def nifti_by_numpy(content):
    """Frames of a file, by the standard's words and NumPy's arithmetic."""
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    order = "<" if content[0] in (0x5c, 0x1c) else ">"
    if 348 in struct.unpack_from(order + "i", content):
        dim = struct.unpack_from(order + "8h", content, 40)
        code, = struct.unpack_from(order + "h", content, 70)
        offset, slope, inter = struct.unpack_from(order + "3f", content, 108)
    else:
        dim = struct.unpack_from(order + "8q", content, 16)
        code, = struct.unpack_from(order + "h", content, 12)
        offset, slope, inter = struct.unpack_from(order + "q2d", content, 168)
    lengths = dim[1:dim[0] + 1]
    if len(lengths) >= 6 and set(lengths[:4]) == {1}:
        lengths = lengths[4:]
    name = {number: name for name, number in NIFTI_TYPES.items()}[code]
    array = np.frombuffer(content, np.dtype(order + name),
                          int(np.prod(lengths)), int(offset))
    if slope not in (0, 1) or (slope == 1 and inter != 0):
        array = (slope * array.astype(np.float64) + inter).astype(np.float32)
    elif name not in ("u1", "u2"):
        array = array.astype(np.float32)
    return array.reshape((-1, lengths[1], lengths[0]))


EXR_KINDS = {"u4": 0, "f2": 1, "f4": 2}


def exr(array, names, packed):
    """A file of rows; axes are rows, channels by the alphabet, columns."""
    height, _, width = array.shape

    def attribute(name, kind, value):
        return name + b"\0" + kind + b"\0" + struct.pack(
            "<i", len(value)) + value

    channels = b"".join(
        name.encode() + b"\0" + struct.pack(
            "<iiii", EXR_KINDS[array.dtype.str[1:]], 0, 1, 1)
        for name in names) + b"\0"
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    head = struct.pack("<ii", 20000630, 2) + b"".join((
        attribute(b"channels", b"chlist", channels),
        attribute(b"compression", b"compression", bytes([3 * packed])),
        attribute(b"dataWindow", b"box2i", window),
        attribute(b"displayWindow", b"box2i", window),
        attribute(b"lineOrder", b"lineOrder", b"\0"),
        attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
        attribute(b"screenWindowCenter", b"v2f", bytes(8)),
        attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)))) + \
        b"\0"
    blocks = []
    rows = 16 if packed else 1
    for first in range(0, height, rows):
        data = array[first:first + rows].tobytes()
        if packed:
            halves = np.frombuffer(data[::2] + data[1::2], np.uint8)
            steps = np.diff(halves.astype(int), prepend=0) + 128
            steps[0] = halves[0]
            deflated = zlib.compress((steps % 256).astype(np.uint8).tobytes())
            data = min(data, deflated, key=len)
        blocks.append(struct.pack("<ii", first, len(data)) + data)
    at, table = len(head) + 8 * len(blocks), b""
    for block in blocks:
        table += struct.pack("<q", at)
        at += len(block)
    return head + table + b"".join(blocks)


class VolumeTruthTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.random = np.random.default_rng(1)

    def frames_of(self, content, suffix):
        path = os.path.join(self.folder, "file" + suffix)
        with open(path, "wb") as file:
            file.write(content)
        frames = self.decode(path)
        return np.stack([array for array, _ in frames])

    def decode(self, path):
        frames = decode(path)
        if frames == "refused not built":
            self.skipTest("this build lacks the format")
        self.assertIsInstance(frames, list, frames)
        return frames

    def good_files(self, form):
        folder = os.environ.get("IMAGEADAPT_CORPORA")
        if not folder:
            self.skipTest("IMAGEADAPT_CORPORA is not set")
        with open(os.path.join(folder, "INDEX.tsv"), encoding="utf-8") as index:
            return [os.path.join(folder, row["path"])
                    for row in csv.DictReader(index, delimiter="\t")
                    if row["kind"] == "valid" and row["format"] == form
                    and row["expected"] == "decodes"]

    def samples(self, name, shape):
        """All values, floats among them that are none."""
        kind = np.dtype(name)
        array = np.frombuffer(self.random.bytes(
            int(np.prod(shape)) * kind.itemsize), kind).reshape(shape)
        if name == "f8":
            return self.random.normal(0, 1e10, shape)
        return array

    def test_nifti_of_every_type(self):
        for name in NIFTI_TYPES:
            for version in (1, 2):
                for order in "<>":
                    for slope, inter in ((0, 0), (1, 0), (0.37, -11)):
                        array = self.samples(name, (2, 3, 5, 7))
                        content = nifti(array, version, order, slope, inter)
                        expected = nifti_by_numpy(content)
                        frames = self.frames_of(content, ".nii")[..., 0]
                        with self.subTest(name=name, version=version,
                                          order=order, slope=slope):
                            self.assertEqual(frames.dtype,
                                             expected.dtype.newbyteorder("="))
                            np.testing.assert_array_equal(frames, expected)

    def test_nifti_in_gzip(self):
        array = self.samples("u2", (4, 60, 70))
        for content in (nifti(array, 1, "<"), nifti(array, 2, ">")):
            cut = len(content) // 3
            packed = gzip.compress(content[:cut]) + gzip.compress(content[cut:])
            frames = self.frames_of(packed, ".nii.gz")[..., 0]
            np.testing.assert_array_equal(frames, array)

    def test_nifti_of_the_corpora(self):
        files = self.good_files("nifti")
        for path in files:
            with self.subTest(path=path), open(path, "rb") as file:
                content = file.read()
                frames = np.stack([array for array, _ in self.decode(path)])
                np.testing.assert_array_equal(
                    frames[..., 0], nifti_by_numpy(content))
        print(f"{len(files)} NIfTI files are the same")

    def test_exr_of_numpy(self):
        """Without compression, and in ZIP as "OpenEXR File Layout" has it."""
        for names in ("Y", "BGR", "ABGR"):
            for kind in ("f2", "f4", "u4"):
                for packed in (False, True):
                    array = np.abs(self.random.normal(
                        1, 1, (37, len(names), 23))).astype(kind) + \
                        np.array(1, kind)
                    frames = self.frames_of(exr(array, names, packed), ".exr")
                    expected = array.astype(np.float32).transpose(0, 2, 1)
                    if names[0] == "A":
                        expected[..., 1:] /= expected[..., :1]
                    with self.subTest(names=names, kind=kind, packed=packed):
                        np.testing.assert_array_equal(
                            frames[0], expected[..., ::-1])

    def test_exr_of_the_corpora(self):
        if shutil.which("vips") is None:
            self.skipTest("vips is not installed")
        same = 0
        for path in self.good_files("exr"):
            ours = decode(path)
            # vips gives everything as RGBA of halves, alpha in a way of its
            # own.
            if isinstance(ours, str) or ours[0][0].shape[2] != 3:
                continue
            raw = os.path.join(self.folder, "file.raw")
            subprocess.run(["vips", "rawsave", path, raw], check=True,
                           timeout=60)
            height, width, _ = ours[0][0].shape
            theirs = np.fromfile(raw, np.float32).reshape(height, width, 4)
            with self.subTest(path=path):
                np.testing.assert_array_equal(ours[0][0], theirs[..., :3])
                same += 1
        print(f"{same} OpenEXR files are the same")

    def test_jp2_of_pillow(self):
        """Reversible ones, in every shape that Pillow writes."""
        for mode, channels in (("L", 1), ("LA", 2), ("RGB", 3), ("RGBA", 4),
                               ("I;16", 1)):
            array = self.samples("u2" if mode == "I;16" else "u1",
                                 (61, 83, channels))
            picture = Image.fromarray(array.squeeze(), mode)
            for options in ({}, {"no_jp2": True}, {"tile_size": (32, 16)},
                            {"num_resolutions": 3, "progression": "RPCL",
                             "precinct_size": (64, 64)}):
                if mode == "I;16" and "tile_size" in options:
                    continue  # Pillow writes other samples than it was given
                path = os.path.join(self.folder, "file.jp2")
                picture.save(path, "JPEG2000", **options)
                frames = self.decode(path)
                with self.subTest(mode=mode, options=options):
                    np.testing.assert_array_equal(frames[0][0], array)

    def test_jp2_of_the_corpora(self):
        same = 0
        for path in self.good_files("jp2"):
            ours = self.decode(path)
            with Image.open(path) as picture:
                theirs = np.asarray(picture)
            theirs = theirs.reshape(ours[0][0].shape)
            array = ours[0][0]
            if os.path.basename(path).startswith("9bit"):
                # Pillow leaves a bit out (511 becomes 0), we spread all over
                # 16.
                array = np.rint(array * (511 / 65535)).astype(int) + 1
                array = array // 2 % 256
            with self.subTest(path=path):
                np.testing.assert_array_equal(array, theirs)
                same += 1
        print(f"{same} JPEG 2000 files are the same")


if __name__ == "__main__":
    unittest.main()
