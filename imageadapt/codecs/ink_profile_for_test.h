// Colour profiles in tests. Only tests include it.
// SPDX-License-Identifier: Apache-2.0
#ifndef IMAGEADAPT_CODECS_INK_PROFILE_FOR_TEST_H_
#define IMAGEADAPT_CODECS_INK_PROFILE_FOR_TEST_H_

#include <gtest/gtest.h>
#include <lcms2.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace imageadapt::testing {

// Closes the profile.
inline std::vector<std::byte> BytesOfProfile(cmsHPROFILE profile) {
  cmsUInt32Number size = 0;
  EXPECT_TRUE(cmsSaveProfileToMem(profile, nullptr, &size));
  std::vector<std::byte> bytes(size);
  EXPECT_TRUE(cmsSaveProfileToMem(profile, bytes.data(), &size));
  cmsCloseProfile(profile);
  return bytes;
}

// Inks that take away light evenly: L* is 100 - 100 of the most ink.
inline cmsInt32Number InksToLab(const cmsUInt16Number in[],
                                cmsUInt16Number out[], void* /*cargo*/) {
  const cmsUInt16Number most = std::max({in[0], in[1], in[2], in[3]});
  const cmsCIELab lab = {100.0 - most / 655.35, 0, 0};
  cmsFloat2LabEncoded(out, &lab);
  return TRUE;
}

inline std::vector<std::byte> InkProfile() {
  const cmsHPROFILE profile = cmsCreateProfilePlaceholder(nullptr);
  cmsSetProfileVersion(profile, 2.4);
  cmsSetDeviceClass(profile, cmsSigOutputClass);
  cmsSetColorSpace(profile, cmsSigCmykData);
  cmsSetPCS(profile, cmsSigLabData);
  cmsPipeline* const pipeline = cmsPipelineAlloc(nullptr, 4, 3);
  cmsStage* const table = cmsStageAllocCLut16bit(nullptr, 9, 4, 3, nullptr);
  cmsStageSampleCLut16bit(table, InksToLab, nullptr, 0);
  cmsPipelineInsertStage(pipeline, cmsAT_BEGIN, table);
  EXPECT_TRUE(cmsWriteTag(profile, cmsSigAToB0Tag, pipeline));
  EXPECT_TRUE(cmsWriteTag(profile, cmsSigAToB1Tag, pipeline));
  cmsPipelineFree(pipeline);
  return BytesOfProfile(profile);
}

}  // namespace imageadapt::testing

#endif  // IMAGEADAPT_CODECS_INK_PROFILE_FOR_TEST_H_
