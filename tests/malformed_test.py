"""Malformed messages: each refused rightly, none of them felt by the server."""
# SPDX-License-Identifier: Apache-2.0
import unittest

import grpc
import numpy as np

import malformed_table
import support
from support import MEAN, call, mean_filter, noise, raw, refusal, samples

MOST_GROWTH = (400 if support.SANITIZED else 10) << 20


class MalformedTest(support.ServerTestCase):
    # Small, so that bombs meet a limit and not the machine.
    server_flags = ("--max-message-size", "16MiB", "--memory-budget", "512MiB")

    def check_that_the_server_is_right(self):
        array = noise(20, 30, 3)
        np.testing.assert_array_equal(
            samples(call(self.channel, MEAN, raw(array))), mean_filter(array))

    def check(self, case):
        name, path, message, code, words = case
        error = refusal(self.channel, path, message)
        self.assertIsNotNone(error, f"{name}: was answered")
        self.assertEqual(error.code(), code, f"{name}: {error.details()}")
        self.assertIn(words, error.details(), name)
        self.assertGreater(len(error.details()), 10, name)
        self.assertLess(len(error.details()), 2000, name)

    def test_every_case_is_refused_with_its_status_and_in_words(self):
        cases = list(malformed_table.all_cases())
        self.assertGreaterEqual(len(cases), 80)
        for case in cases:
            with self.subTest(case[0]):
                self.check(case)
        self.check_that_the_server_is_right()

    def test_a_thousand_in_a_row_leave_nothing_behind(self):
        cases = list(malformed_table.all_cases())
        for case in cases:
            self.check(case)
        before = self.server.resident_bytes()
        for number in range(1000):
            self.check(cases[number % len(cases)])
        self.check_that_the_server_is_right()
        growth = self.server.resident_bytes() - before
        self.assertLess(growth, MOST_GROWTH)

    def test_random_damage_to_good_messages_never_hurts(self):
        rng = np.random.default_rng(7)
        good = [raw(noise(8, 8, 3)).SerializeToString(),
                support.nl.NLImage(data=support.file_of(
                    support.photo(16, 16), "JPEG")).SerializeToString(),
                support.nl.NLImage(data=support.file_of(
                    noise(8, 8, 3))).SerializeToString()]
        allowed = {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT}
        for number in range(600):
            message = bytearray(good[number % len(good)])
            for _ in range(int(rng.integers(1, 4))):
                message[rng.integers(len(message))] = rng.integers(256)
            error = refusal(self.channel, MEAN, bytes(message))
            code = error.code() if error else grpc.StatusCode.OK
            self.assertIn(code, allowed, error and error.details())
        self.check_that_the_server_is_right()

    def test_a_message_over_the_limit_is_refused(self):
        error = refusal(self.channel, MEAN, bytes(17 << 20))
        self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.check_that_the_server_is_right()

    def test_a_call_without_a_message_is_refused(self):
        method = self.channel.stream_unary(MEAN)
        with self.assertRaises(grpc.RpcError) as caught:
            method(iter(()), timeout=support.LIMIT_SECONDS)
        self.assertEqual(caught.exception.code(),
                         grpc.StatusCode.INVALID_ARGUMENT)
        self.check_that_the_server_is_right()

    def test_deflate_is_refused_by_its_name(self):
        error = refusal(self.channel, MEAN, raw(np.zeros((90, 90), np.uint8)),
                        compression=grpc.Compression.Deflate)
        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertIn("deflate", error.details())
        self.check_that_the_server_is_right()

    def test_an_unknown_path_is_unimplemented(self):
        for path in ("/NLImageService/Nothing", "/a/b", "/"):
            error = refusal(self.channel, path, b"")
            self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)


if __name__ == "__main__":
    unittest.main()
