# Codecs whose libraries a build can do without.
#
# imageadapt_optional_codec(NAME FORMAT PACKAGE MODULE [TARGET target] [OFF])
#   NAME     as in IMAGEADAPT_WITH_<NAME>, the option, and IMAGEADAPT_HAS_<NAME>,
#            which codecs/<name>.cc sees as 0 or 1
#   FORMAT   what users call it
#   PACKAGE  the Debian packages to install
#   MODULE   the pkg-config module, with a version if one is needed
#   TARGET   of a library beside it that has no module; found before, or not
#   OFF      built only where the option is set
# Without its library a codec still knows its files, and refuses them by name.
set(IMAGEADAPT_OPTIONAL_CODEC_LIBRARIES "")
set(IMAGEADAPT_OPTIONAL_CODEC_DEFINITIONS "")

function(imageadapt_optional_codec name format package module)
  set(default ON)
  if("OFF" IN_LIST ARGN)
    set(default OFF)
  endif()
  option(IMAGEADAPT_WITH_${name} "Have ${format}, with ${package}"
         ${default})
  set(has 0)
  if(IMAGEADAPT_WITH_${name})
    pkg_check_modules(CODEC_${name} QUIET IMPORTED_TARGET "${module}")
    cmake_parse_arguments(more "" "TARGET" "" ${ARGN})
    if(CODEC_${name}_FOUND AND (NOT more_TARGET OR TARGET "${more_TARGET}"))
      set(has 1)
      list(APPEND IMAGEADAPT_OPTIONAL_CODEC_LIBRARIES PkgConfig::CODEC_${name}
           ${more_TARGET})
    else()
      message(WARNING "This build will not have ${format}: ${package} is not "
                      "installed (-DIMAGEADAPT_WITH_${name}=OFF says so on "
                      "purpose)")
    endif()
  endif()
  list(APPEND IMAGEADAPT_OPTIONAL_CODEC_DEFINITIONS
       IMAGEADAPT_HAS_${name}=${has})
  set(IMAGEADAPT_OPTIONAL_CODEC_LIBRARIES
      "${IMAGEADAPT_OPTIONAL_CODEC_LIBRARIES}" PARENT_SCOPE)
  set(IMAGEADAPT_OPTIONAL_CODEC_DEFINITIONS
      "${IMAGEADAPT_OPTIONAL_CODEC_DEFINITIONS}" PARENT_SCOPE)
endfunction()

# GDCM has no pkg-config module, and the targets of its CMake files want VTK.
# Of its libraries only the JPEG decoders are used.
find_path(GDCM_INCLUDE_DIR gdcmjpeg/8/jpeglib.h PATH_SUFFIXES gdcm-3.0)
foreach(bits 8 12 16)
  find_library(GDCM_JPEG${bits}_LIBRARY gdcmjpeg${bits})
  list(APPEND gdcm_jpeg_libraries "${GDCM_JPEG${bits}_LIBRARY}")
endforeach()
if(GDCM_INCLUDE_DIR AND GDCM_JPEG8_LIBRARY AND GDCM_JPEG12_LIBRARY AND
   GDCM_JPEG16_LIBRARY)
  add_library(imageadapt_gdcm_jpeg INTERFACE)
  target_include_directories(imageadapt_gdcm_jpeg SYSTEM INTERFACE
                             "${GDCM_INCLUDE_DIR}")
  target_link_libraries(imageadapt_gdcm_jpeg INTERFACE ${gdcm_jpeg_libraries})
endif()

# One line each; the list is also that of ./setup's codec_packages.
imageadapt_optional_codec(EXR "OpenEXR" libopenexr-dev OpenEXR>=3.1)
imageadapt_optional_codec(JP2 "JPEG 2000" libopenjp2-7-dev libopenjp2>=2.5)
imageadapt_optional_codec(DICOM "DICOM" "libgdcm-dev and libcharls-dev"
                          charls>=2.4 TARGET imageadapt_gdcm_jpeg)
imageadapt_optional_codec(AVIF "AVIF" libavif-dev libavif>=0.11)
