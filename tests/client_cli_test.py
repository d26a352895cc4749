"""The client program as its users call it."""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest

import numpy as np

import support
from support import decode, file_of, mean_filter, noise, photo


class ClientTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.array = noise(40, 56, 3)
        self.input = self.write("in.png", file_of(self.array))
        self.output = self.folder / "out.png"

    def write(self, name, data):
        path = self.folder / name
        path.write_bytes(data)
        return str(path)

    def run_client(self, *arguments, data=None):
        return subprocess.run(
            [support.CLIENT, *map(str, arguments)], input=data,
            capture_output=True, timeout=support.LIMIT_SECONDS, check=False)

    def transform(self, *arguments):
        done = self.run_client("--input", self.input, "--output", self.output,
                               *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout, b"")
        return decode(self.output.read_bytes())

    def fails(self, code, words, *arguments):
        """Fails with one clear line; whatever the output was, it stays."""
        self.output.write_bytes(b"old")
        done = self.run_client(*arguments)
        line = done.stderr.decode()
        self.assertEqual(done.returncode, code, line)
        self.assertRegex(line, r"\Aimageadapt: [^\n]*\n\Z")
        self.assertIn(words, line)
        self.assertNotIn("grpc", line.lower())
        self.assertEqual(self.output.read_bytes(), b"old")
        leftovers = [path.name for path in self.folder.iterdir()
                     if path.name.startswith(".")]
        self.assertEqual(leftovers, [])

    def test_embedded_rotate_and_mean(self):
        expected = mean_filter(np.rot90(self.array))
        for flags in (("--rotate", "NINETY_DEG", "--mean"),
                      ("--mean", "--rotate", "NINETY_DEG"),
                      ("--mean", "3", "--rotate", "90")):
            np.testing.assert_array_equal(self.transform(*flags), expected)

    def test_every_rotation(self):
        for name, turns in (("NONE", 0), ("NINETY_DEG", 1),
                            ("ONE_EIGHTY_DEG", 2), ("TWO_SEVENTY_DEG", 3)):
            np.testing.assert_array_equal(self.transform("--rotate", name),
                                          np.rot90(self.array, turns))

    def test_other_operations(self):
        np.testing.assert_array_equal(self.transform("--mean", "7"),
                                      mean_filter(self.array, 7))
        np.testing.assert_array_equal(
            self.transform("--median", "5"),
            support.median_filter(self.array, 5))
        self.assertEqual(self.transform("--angle", "45").shape, (68, 68, 3))
        np.testing.assert_array_equal(self.transform(), self.array)

    def test_against_a_server(self):
        with support.Server() as server:
            host, port = server.address.rsplit(":", 1)
            np.testing.assert_array_equal(
                self.transform("--host", host, "--port", port, "--mean"),
                mean_filter(self.array))

    def test_against_a_server_on_a_unix_socket(self):
        with support.Server(host=f"unix:{self.folder}/socket") as server:
            np.testing.assert_array_equal(
                self.transform("--host", server.address, "--mean"),
                mean_filter(self.array))

    def test_standard_input_and_output(self):
        done = self.run_client("--input", "-", "--output", "-", "--format",
                               "png", "--mean",
                               data=file_of(self.array))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        np.testing.assert_array_equal(decode(done.stdout),
                                      mean_filter(self.array))

    def test_the_output_name_says_the_format(self):
        self.output = self.folder / "out.jpg"
        self.transform()
        self.assertEqual(self.output.read_bytes()[:3], b"\xff\xd8\xff")

    def test_jpeg_is_turned_upright(self):
        from PIL import Image
        exif = Image.Exif()
        exif[0x0112] = 6
        data = file_of(photo(32, 48), "JPEG", exif=exif)
        self.input = self.write("in.jpg", data)
        np.testing.assert_array_equal(self.transform(),
                                      np.rot90(decode(data), 3))

    def test_bad_flags(self):
        both = ("--input", self.input, "--output", self.output)
        self.fails(2, "--input", )
        self.fails(2, "--output", "--input", self.input)
        self.fails(2, "--nonsense", *both, "--nonsense")
        self.fails(2, "--rotate", *both, "--rotate", "LEFT")
        self.fails(2, "--mean", *both, "--mean", "2")
        self.fails(2, "--median", *both, "--median", "x")
        self.fails(2, ".png", "--input", self.input, "--output",
                   self.folder / "out.exe")

    def test_inputs_that_cannot_be_used(self):
        both = ("--output", self.output, "--mean")
        self.fails(3, "No such file", "--input", self.folder / "no", *both)
        self.fails(3, "directory", "--input", self.folder, *both)
        self.fails(3, "empty", "--input", self.write("empty.png", b""), *both)
        self.fails(3, "no image file", "--input",
                   self.write("a.txt", b"hello"), *both)
        cut = file_of(self.array)[:900]
        self.fails(3, "damaged: reached row", "--input",
                   self.write("cut.png", cut), *both)

    def test_a_dead_server(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
            self.fails(4, "cannot reach", "--input", self.input, "--output",
                       self.output, "--host", "127.0.0.1", "--port", port)

    def test_a_server_that_never_answers(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            port = silent.getsockname()[1]
            self.fails(6, "--timeout", "--input", self.input, "--output",
                       self.output, "--host", "127.0.0.1", "--port", port,
                       "--timeout", "0.5")

    def test_an_interruption_leaves_what_was_there(self):
        self.output.write_bytes(b"old")
        before = sorted(self.folder.iterdir())
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            silent.settimeout(support.LIMIT_SECONDS)
            process = subprocess.Popen(
                [support.CLIENT, "--input", self.input, "--output",
                 self.output, "--host", "127.0.0.1", "--port",
                 str(silent.getsockname()[1])], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE)
            peer, _ = silent.accept()
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=support.LIMIT_SECONDS)
            peer.close()
        self.assertEqual((process.returncode, out), (130, b""))
        self.assertLessEqual(err.count(b"\n"), 1)
        self.assertEqual(self.output.read_bytes(), b"old")
        self.assertEqual(sorted(self.folder.iterdir()), before)

    def test_what_the_server_cannot_do(self):
        alpha = self.write("alpha.png", file_of(noise(5, 5, 4)))
        self.fails(5, "JPEG cannot hold transparency", "--input", alpha,
                   "--output", self.folder / "out.jpg")

    def test_an_output_that_cannot_be_written(self):
        self.fails(7, "No such file", "--input", self.input, "--output",
                   self.folder / "no" / "out.png")
        (self.folder / "folder.png").mkdir()
        self.fails(7, "ordinary file", "--input", self.input, "--output",
                   self.folder / "folder.png")

    def test_help_and_version(self):
        done = self.run_client("--help")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertIn(b"--rotate", done.stdout)
        done = self.run_client("--version")
        self.assertEqual(done.returncode, 0)
        self.assertTrue(re.fullmatch(rb"imageadapt \d+\.\d+\.\d+\n",
                                     done.stdout), done.stdout)


if __name__ == "__main__":
    unittest.main()
