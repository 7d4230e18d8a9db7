# Flags that every target of the project shares, and the functions that make targets.

option(SIGILLO_TESTS "build the tests" ON)
option(SIGILLO_BENCH "build the benchmarks" OFF)
set(SIGILLO_SANITIZE "" CACHE STRING "sanitizers for every target, such as address,undefined")
set(SIGILLO_HOT_FLAGS "" CACHE STRING "more flags where the arithmetic is (core, watermark): -O1 in a build that has -O0")
# A build without these two proves that each source includes what it uses.
option(SIGILLO_UNITY "compile the sources of a module several at a time" OFF)
option(SIGILLO_PRECOMPILE "precompile the heaviest headers for tests, with clang" OFF)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "build type" FORCE)
endif()

find_program(SIGILLO_CCACHE ccache)
if(SIGILLO_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${SIGILLO_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${SIGILLO_CCACHE})
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/lib)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(sigillo_flags INTERFACE)
target_compile_features(sigillo_flags INTERFACE cxx_std_20)
target_compile_options(sigillo_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual -Wnull-dereference -Werror
  -ffp-contract=off          # a float may reach a decision: no compiler fuses on its own
  -fvisibility=hidden -fvisibility-inlines-hidden
  -fstack-protector-strong -D_GLIBCXX_ASSERTIONS
  -DSIGILLO_VERSION="${PROJECT_VERSION}")
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # The emulator declares names that are CUDA's and the sanitizers' own.
  target_compile_options(sigillo_flags INTERFACE
    $<$<NOT:$<BOOL:$<TARGET_PROPERTY:SIGILLO_FOREIGN_NAMES>>>:-Wreserved-identifier>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 reports this one inside the standard library's own inlined code.
  target_compile_options(sigillo_flags INTERFACE -Wno-null-dereference)
endif()
if(SIGILLO_SANITIZE)
  target_compile_options(sigillo_flags INTERFACE -fsanitize=${SIGILLO_SANITIZE}
                         -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(sigillo_flags INTERFACE -fsanitize=${SIGILLO_SANITIZE})
endif()

# sigillo_compile(TARGET SOURCES...): how a target's sources are compiled. A test's sources may use the same private
# names, so they are not compiled together; a few of them are faster without a precompiled header of their own.
function(sigillo_compile target)
  list(LENGTH ARGN sources)
  string(FIND "${CMAKE_CURRENT_SOURCE_DIR}/" "${PROJECT_SOURCE_DIR}/tests/" in_tests)
  if(SIGILLO_UNITY AND NOT in_tests EQUAL 0)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  elseif(SIGILLO_PRECOMPILE AND sources GREATER 3)
    target_precompile_headers(${target} PRIVATE
      <algorithm> <array> <chrono> <cstdint> <filesystem> <functional> <map> <memory> <optional> <set> <span>
      <string> <string_view> <variant> <vector> <fmt/format.h> <nlohmann/json.hpp>)
  endif()
endfunction()

# sigillo_module(NAME [HOT] SOURCES... [PUBLIC libs...] [PRIVATE libs...]): one folder, one static library.
# Public headers are in include/; a folder's private ones are found from the source root.
function(sigillo_module name)
  cmake_parse_arguments(ARG "HOT" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(sigillo_${name} STATIC ${ARG_SOURCES})
  add_library(sigillo::${name} ALIAS sigillo_${name})
  target_include_directories(sigillo_${name}
    PUBLIC ${PROJECT_SOURCE_DIR}/include
    PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(sigillo_${name} PUBLIC ${ARG_PUBLIC} PRIVATE sigillo_flags ${ARG_PRIVATE})
  if(ARG_HOT)
    target_compile_options(sigillo_${name} PRIVATE ${SIGILLO_HOT_FLAGS})
  endif()
  sigillo_compile(sigillo_${name} ${ARG_SOURCES})
endfunction()

# sigillo_executable(NAME SOURCES... LIBS...)
function(sigillo_executable name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE sigillo_flags ${ARG_LIBS})
  sigillo_compile(${name} ${ARG_SOURCES})
endfunction()
