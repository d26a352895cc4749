"""DICOM files that pydicom wrote and DCMTK packed, decoded by us and by them.

IMAGEADAPT_FORMAT_PROBE names the program that decodes with our codecs. With
IMAGEADAPT_CORPORA, a folder with an INDEX.tsv, its good files are compared too.
"""
# SPDX-License-Identifier: Apache-2.0
import csv
import os
import shutil
import subprocess
import tempfile
import unittest
import warnings

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from format_truth_test import decode

# DCMTK's programs and the transfer syntaxes that they make without loss.
LOSSLESS = [
    ("dcmconv", "+ti"), ("dcmconv", "+te"), ("dcmconv", "+tb"),
    ("dcmconv", "+td"), ("dcmcrle",), ("dcmcjpeg", "+e1"), ("dcmcjpeg", "+el"),
    ("dcmcjpls", "+el")]
JPEG_KINDS = {"1.2.840.10008.1.2.4.53": "dcmdjpeg",
              "1.2.840.10008.1.2.4.55": "dcmdjpeg",
              "1.2.840.10008.1.2.4.50": "dcmdjpeg",
              "1.2.840.10008.1.2.4.51": "dcmdjpeg",
              "1.2.840.10008.1.2.4.57": "dcmdjpeg",
              "1.2.840.10008.1.2.4.70": "dcmdjpeg",
              "1.2.840.10008.1.2.4.80": "dcmdjpls",
              "1.2.840.10008.1.2.4.81": "dcmdjpls"}


def dicom(array, stored=None, photometric=None, **more):
    """A data set of frames, rows, columns and samples."""
    frames, rows, columns, samples = array.shape
    bits = 8 * array.dtype.itemsize
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    data.is_little_endian, data.is_implicit_VR = True, False
    data.SOPClassUID = meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.PatientName = "Secret^Name"
    data.Rows, data.Columns = rows, columns
    data.SamplesPerPixel = samples
    data.PhotometricInterpretation = photometric or (
        "RGB" if samples == 3 else "MONOCHROME2")
    if samples == 3:
        data.PlanarConfiguration = 0
    if frames > 1:
        data.NumberOfFrames = frames
    data.BitsAllocated, data.BitsStored = bits, stored or bits
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = int(array.dtype.kind == "i")
    for name, value in more.items():
        setattr(data, name, value)
    content = array.tobytes()
    data.PixelData = content + bytes(len(content) % 2)
    data["PixelData"].VR = "OW" if bits > 8 else "OB"
    return data


def by_formula(ycc):
    """RGB, as JPEG has it."""
    ycc = ycc.astype(np.float64)
    luma, blue, red = ycc[..., 0], ycc[..., 1] - 128, ycc[..., 2] - 128
    rgb = np.stack((luma + 1.402 * red,
                    luma - 0.344136 * blue - 0.714136 * red,
                    luma + 1.772 * blue), axis=-1)
    return np.floor(np.clip(rgb, 0, 255) + 0.5).astype(np.uint8)


class DicomTruthTest(unittest.TestCase):
    def setUp(self):
        if shutil.which("dcmconv") is None:
            self.skipTest("dcmtk is not installed")
        warnings.simplefilter("ignore")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.random = np.random.default_rng(1)

    def path(self, name):
        return os.path.join(self.folder, name)

    def tool(self, *words):
        subprocess.run(words, check=True, capture_output=True, timeout=60)

    def ours(self, path):
        frames = decode(path)
        if frames == "refused not built":
            self.skipTest("this build lacks DICOM")
        self.assertIsInstance(frames, list, f"{path}: {frames}")
        return np.stack([array for array, _ in frames])

    def samples(self, kind, shape, stored=None):
        """Smooth ones with some noise, within `stored` bits."""
        bits = stored or 8 * np.dtype(kind).itemsize
        low = -(1 << bits - 1) if np.dtype(kind).kind == "i" else 0
        ramp = np.indices(shape).sum(0) * (1 << max(bits - 8, 0))
        noise = self.random.integers(0, 1 << max(bits - 4, 1), shape)
        return ((ramp + noise) % (1 << bits) + low).astype(kind)

    def test_every_lossless_syntax(self):
        cases = [("u1", None, 1, 1), ("u1", None, 3, 1), ("u1", None, 1, 3),
                 ("u2", 16, 1, 1), ("u2", 12, 1, 2), ("u2", 10, 1, 1),
                 ("i2", 16, 1, 1), ("i2", 12, 1, 1)]
        count = 0
        for kind, stored, samples, frames in cases:
            array = self.samples(kind, (frames, 33, 45, samples), stored)
            dicom(array, stored).save_as(self.path("plain.dcm"))
            expected = array.astype(np.float32) if kind[0] == "i" else array
            for words in LOSSLESS:
                if words[0] == "dcmcjpeg" and kind[0] == "i":
                    continue  # DCMTK changes the samples
                self.tool(*words, self.path("plain.dcm"),
                          self.path("packed.dcm"))
                with self.subTest(kind=kind, stored=stored, words=words):
                    found = self.ours(self.path("packed.dcm"))
                    self.assertEqual(found.dtype, expected.dtype)
                    np.testing.assert_array_equal(found, expected)
                    count += 1
        print(f"{count} DICOM files without loss are the same")

    def test_lossy_jpeg(self):
        for kind, stored, samples, words in (
                ("u1", None, 1, ("+eb",)), ("u1", None, 3, ("+eb",)),
                ("u1", None, 3, ("+eb", "+cr")),
                ("u1", None, 3, ("+eb", "+s2")),
                ("u2", 12, 1, ("+ee",)), ("u1", None, 1, ("+ep",))):
            array = self.samples(kind, (1, 33, 45, samples), stored)
            dicom(array, stored).save_as(self.path("plain.dcm"))
            with self.subTest(words=words, kind=kind):
                try:
                    self.tool("dcmcjpeg", *words, self.path("plain.dcm"),
                              self.path("packed.dcm"))
                except subprocess.CalledProcessError:
                    self.fail(f"DCMTK does not write {words}")
                self.check(self.path("packed.dcm"))

    def theirs(self, path):
        """Frames by DCMTK and pydicom, as we would give them; or None."""
        data = pydicom.dcmread(path)
        tool = JPEG_KINDS.get(str(data.file_meta.TransferSyntaxUID))
        if tool is not None:
            words = ("+cn",) if tool == "dcmdjpeg" else ()
            self.tool(tool, *words, path, self.path("theirs.dcm"))
            data = pydicom.dcmread(self.path("theirs.dcm"))
        array = data.pixel_array.reshape(
            (-1, data.Rows, data.Columns, data.SamplesPerPixel))
        photometric = data.PhotometricInterpretation
        if photometric.startswith("YBR_FULL"):
            array = by_formula(array)
        elif photometric == "PALETTE COLOR":
            array = pydicom.pixel_data_handlers.util.apply_color_lut(
                array[..., 0], data)
            if data.RedPaletteColorLookupTableDescriptor[2] == 8:
                array = array.astype(np.uint8)
        elif photometric == "MONOCHROME1":
            array = (1 << data.BitsStored) - 1 - array
        return array

    def check(self, path):
        ours, theirs = self.ours(path), self.theirs(path)
        if theirs.dtype.kind == "i" or theirs.dtype.itemsize == 4:
            theirs = theirs.astype(np.float32)
        self.assertEqual(ours.shape, theirs.shape)
        np.testing.assert_array_equal(ours, theirs)

    def test_colours(self):
        array = self.samples("u1", (2, 20, 30, 3))
        planes = np.ascontiguousarray(array.transpose(0, 3, 1, 2))
        data = dicom(array)
        data.PlanarConfiguration = 1
        data.PixelData = planes.tobytes()
        data.save_as(self.path("planes.dcm"))
        np.testing.assert_array_equal(self.ours(self.path("planes.dcm")), array)
        dicom(array, None, "YBR_FULL").save_as(self.path("ybr.dcm"))
        np.testing.assert_array_equal(self.ours(self.path("ybr.dcm")),
                                      by_formula(array))
        array[:, :, 1::2, 1:] = array[:, :, ::2, 1:]
        pairs = np.concatenate((array[:, :, ::2, :1], array[:, :, 1::2, :1],
                                array[:, :, ::2, 1:]), -1)
        data = dicom(array, None, "YBR_FULL_422")
        data.PixelData = pairs.tobytes()
        data.save_as(self.path("pairs.dcm"))
        np.testing.assert_array_equal(self.ours(self.path("pairs.dcm")),
                                      by_formula(array))
        grey = self.samples("u2", (1, 20, 30, 1), 12)
        dicom(grey, 12, "MONOCHROME1").save_as(self.path("inverse.dcm"))
        np.testing.assert_array_equal(self.ours(self.path("inverse.dcm")),
                                      4095 - grey)

    def test_the_corpora(self):
        folder = os.environ.get("IMAGEADAPT_CORPORA")
        if not folder:
            self.skipTest("IMAGEADAPT_CORPORA is not set")
        same = 0
        with open(os.path.join(folder, "INDEX.tsv"), encoding="utf-8") as index:
            rows = list(csv.DictReader(index, delimiter="\t"))
        for row in rows:
            if row["kind"] != "valid" or row["set"] != "dicom":
                continue
            path = os.path.join(folder, row["path"])
            try:
                self.theirs(path)
            except (AttributeError, OSError, RuntimeError,
                    NotImplementedError,
                    pydicom.errors.InvalidDicomError,
                    Image.DecompressionBombError,
                    subprocess.CalledProcessError):
                continue  # no picture, or they cannot
            with self.subTest(path=path):
                self.check(path)
                same += 1
        print(f"{same} DICOM files of the corpora are the same")


if __name__ == "__main__":
    unittest.main()
