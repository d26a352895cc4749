# Compiler flags that hold for every room.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

# For our own code only; generated and system code is not ours to mend.
add_library(imageadapt_flags INTERFACE)
target_compile_definitions(imageadapt_flags INTERFACE
                           IMAGEADAPT_VERSION="${PROJECT_VERSION}")
target_compile_options(imageadapt_flags INTERFACE
  -Wall -Wextra -Wconversion -Wshadow -Wnon-virtual-dtor -Wno-sign-conversion)
if(IMAGEADAPT_WERROR)
  target_compile_options(imageadapt_flags INTERFACE -Werror)
endif()

if(IMAGEADAPT_SANITIZE)
  add_compile_options(-fsanitize=${IMAGEADAPT_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all -g1)
  add_link_options(-fsanitize=${IMAGEADAPT_SANITIZE})
endif()
if(IMAGEADAPT_COVERAGE)
  add_compile_options(--coverage -fprofile-update=atomic)
  add_link_options(--coverage)
endif()
if(IMAGEADAPT_FUZZ)
  # Everything tells the fuzzer where it goes; only the fuzzers link its main().
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
