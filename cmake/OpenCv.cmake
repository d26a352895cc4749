# Defines the target imageadapt_opencv if OpenCV's core and imgproc are there.
# Debian's package of the modules brings no file for pkg-config or CMake.
if(NOT TARGET imageadapt_opencv)
  find_path(OPENCV_INCLUDE_DIR opencv2/imgproc.hpp PATH_SUFFIXES opencv4)
  find_library(OPENCV_CORE opencv_core)
  find_library(OPENCV_IMGPROC opencv_imgproc)
  if(OPENCV_INCLUDE_DIR AND OPENCV_CORE AND OPENCV_IMGPROC)
    add_library(imageadapt_opencv INTERFACE IMPORTED GLOBAL)
    target_include_directories(imageadapt_opencv SYSTEM INTERFACE
                               "${OPENCV_INCLUDE_DIR}")
    target_link_libraries(imageadapt_opencv INTERFACE "${OPENCV_IMGPROC}"
                          "${OPENCV_CORE}")
  else()
    message(STATUS "No OpenCV (libopencv-imgproc-dev)")
  endif()
endif()
