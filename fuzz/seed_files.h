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

}  // namespace imageadapt

#endif  // FUZZ_SEED_FILES_H_
