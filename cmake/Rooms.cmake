# A room is a folder of imageadapt/ and one static library. Its files are
# found by suffix, so a new file needs no edit here:
#   *_main.cc   programs, see imageadapt_program()
#   *_test.cc   together one test program, labelled with the room's name
#   *_bench.cc  micro-benchmarks
# What a room may use stands in layers.txt, once: the links below are made from
# it, and tools/check_layers.py checks every #include against it.

file(STRINGS "${CMAKE_CURRENT_SOURCE_DIR}/cmake/layers.txt" _layer_lines
     REGEX "^[a-z]")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
             "${CMAKE_CURRENT_SOURCE_DIR}/cmake/layers.txt")
foreach(_line IN LISTS _layer_lines)
  string(REGEX REPLACE "#.*" "" _line "${_line}")
  string(REGEX MATCHALL "[a-z0-9_]+" _words "${_line}")
  list(POP_FRONT _words _room)
  set(IMAGEADAPT_LAYERS_${_room} "${_words}")
endforeach()

function(imageadapt_room room)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  set(folder "${CMAKE_SOURCE_DIR}/imageadapt/${room}")
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${folder}/*.cc")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${folder}/*.h")
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "_(test|bench|main)\\.cc$")

  set(uses "")
  foreach(used IN LISTS IMAGEADAPT_LAYERS_${room})
    list(APPEND uses imageadapt_${used})
  endforeach()

  set(library imageadapt_${room})
  if(sources)
    add_library(${library} STATIC ${sources})
    set(scope PUBLIC)
    target_link_libraries(${library} PRIVATE imageadapt_flags)
    if(headers)
      # Each header must compile alone: `all_verify_interface_header_sets`.
      target_sources(${library} PUBLIC FILE_SET HEADERS
                     BASE_DIRS "${CMAKE_SOURCE_DIR}" FILES ${headers})
      set_target_properties(${library} PROPERTIES
                            VERIFY_INTERFACE_HEADER_SETS ON)
    endif()
  else()
    add_library(${library} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_include_directories(${library} ${scope} "${CMAKE_SOURCE_DIR}")
  target_link_libraries(${library} ${scope} ${uses} ${ARG_LINK}
                        Threads::Threads)

  if(IMAGEADAPT_TESTS AND tests)
    set(program ${room}_test)
    add_executable(${program} ${tests})
    target_link_libraries(${program} PRIVATE imageadapt_flags ${library}
                          imageadapt_testing GTest::gmock_main)
    target_compile_definitions(${program} PRIVATE
                               IMAGEADAPT_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
    # Sanitizers take their time with thousands of real files.
    set(limit 300)
    if(IMAGEADAPT_SANITIZE)
      set(limit 1200)
    endif()
    gtest_discover_tests(${program} TEST_PREFIX "${room}."
                         DISCOVERY_TIMEOUT 60
                         PROPERTIES LABELS ${room} TIMEOUT ${limit})
  endif()
endfunction()

# A program that links one room and has its main() in `source`.
function(imageadapt_program name room source)
  add_executable(${name} "${CMAKE_SOURCE_DIR}/imageadapt/${source}")
  target_link_libraries(${name} PRIVATE imageadapt_flags imageadapt_${room})
endfunction()

# What tests share; nothing else may link it.
if(IMAGEADAPT_TESTS)
  file(GLOB _testing_sources CONFIGURE_DEPENDS
       "${CMAKE_SOURCE_DIR}/imageadapt/testing/*.cc")
  list(FILTER _testing_sources EXCLUDE REGEX "_test\\.cc$")
  add_library(imageadapt_testing STATIC ${_testing_sources})
  target_include_directories(imageadapt_testing PUBLIC "${CMAKE_SOURCE_DIR}")
  target_link_libraries(imageadapt_testing PUBLIC imageadapt_image GTest::gmock
                        PRIVATE imageadapt_flags)
endif()
