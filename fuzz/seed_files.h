// Small files of the kinds that our own encoders do not write.
// SPDX-License-Identifier: Apache-2.0
#ifndef FUZZ_SEED_FILES_H_
#define FUZZ_SEED_FILES_H_

#include <string>
#include <vector>

namespace imageadapt {

// Palettes, small samples, transparent colours, interlaced, with metadata.
std::vector<std::string> SeedPngs();

// Progressive, inks, restart marks, arithmetic coding, with metadata.
std::vector<std::string> SeedJpegs();

// Palettes of all depths, runs, bit fields, headers of OS/2.
std::vector<std::string> SeedBmps();

// Plain ones, bits, small maxima, tuples without alpha.
std::vector<std::string> SeedPnms();

// Colour maps, 16 bits a pixel, all corners, an extension area.
std::vector<std::string> SeedTgas();

// Every compression and layout that libtiff writes, both byte orders, BigTIFF.
std::vector<std::string> SeedTiffs();

// Every transfer syntax, kind of colours and place of values.
// `jpeg` and `jpeg2000` (none if it is empty) are of 16 x 16 pixels, RGB.
std::vector<std::string> SeedDicoms(const std::string& jpeg,
                                    const std::string& jpeg2000);

}  // namespace imageadapt

#endif  // FUZZ_SEED_FILES_H_
