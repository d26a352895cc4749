# Codecs whose libraries a build can do without.
#
# imageadapt_optional_codec(NAME FORMAT PACKAGE MODULE [OFF])
#   NAME     as in IMAGEADAPT_WITH_<NAME>, the option, and IMAGEADAPT_HAS_<NAME>,
#            which codecs/<name>.cc sees as 0 or 1
#   FORMAT   what users call it
#   PACKAGE  the Debian package to install
#   MODULE   the pkg-config module, with a version if one is needed
#   OFF      built only where the option is set
# Without its library a codec still knows its files, and refuses them by name.
set(IMAGEADAPT_OPTIONAL_CODEC_LIBRARIES "")
set(IMAGEADAPT_OPTIONAL_CODEC_DEFINITIONS "")

function(imageadapt_optional_codec name format package module)
  set(default ON)
  if("OFF" IN_LIST ARGN)
    set(default OFF)
  endif()
  option(IMAGEADAPT_WITH_${name} "Read and write ${format}, with ${package}"
         ${default})
  set(has 0)
  if(IMAGEADAPT_WITH_${name})
    pkg_check_modules(CODEC_${name} QUIET IMPORTED_TARGET "${module}")
    if(CODEC_${name}_FOUND)
      set(has 1)
      list(APPEND IMAGEADAPT_OPTIONAL_CODEC_LIBRARIES PkgConfig::CODEC_${name})
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

# One line each; the list is also that of ./setup's codec_packages.
imageadapt_optional_codec(EXR "OpenEXR" libopenexr-dev OpenEXR>=3.1)
imageadapt_optional_codec(JP2 "JPEG 2000" libopenjp2-7-dev libopenjp2>=2.5)
imageadapt_optional_codec(AVIF "AVIF" libavif-dev libavif>=0.11)
