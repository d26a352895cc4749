#!/usr/bin/env python3
"""Tests that check_layers.py finds what it is there for."""
# SPDX-License-Identifier: Apache-2.0
import pathlib
import tempfile
import unittest

import check_layers

HEAD = "// A thing.\n// SPDX-License-Identifier: Apache-2.0\n"


class CheckLayersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("cmake/layers.txt", "base -\nimage base\n")
        self.write("imageadapt/base/a.h", HEAD)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def problems(self):
        return "\n".join(check_layers.check(self.root))

    def test_a_tree_that_keeps_the_rules_has_no_problems(self):
        self.write("imageadapt/image/b.h",
                   HEAD + '#include "imageadapt/base/a.h"\n')
        self.assertEqual(self.problems(), "")

    def test_an_include_upwards_is_found(self):
        self.write("imageadapt/base/c.cc",
                   '  #  include "imageadapt/image/b.h"\n')
        self.assertIn("base must not include image", self.problems())

    def test_a_room_that_is_not_listed_is_found(self):
        self.write("imageadapt/util/c.cc", "")
        self.assertIn("room util is not in", self.problems())

    def test_a_cycle_in_the_table_is_found(self):
        self.write("cmake/layers.txt", "base image\nimage base\n")
        self.assertIn("not listed above it", self.problems())

    def test_only_tests_may_use_testing(self):
        text = '#include "imageadapt/testing/t.h"\n'
        self.write("imageadapt/base/a_test.cc", text)
        self.assertEqual(self.problems(), "")
        self.write("imageadapt/base/a.cc", text)
        self.assertIn("base must not include testing", self.problems())

    def test_two_files_of_one_name_are_found(self):
        self.write("imageadapt/image/a.cc", "")
        self.assertIn("a: stands in", self.problems())

    def test_a_header_without_its_head_is_found(self):
        self.write("imageadapt/base/d.h", "#pragma once\n")
        self.assertIn("does not begin with a sentence", self.problems())
        self.assertIn("has no line SPDX", self.problems())


if __name__ == "__main__":
    unittest.main()
