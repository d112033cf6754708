# Helpers that keep each folder's CMakeLists.txt to one or two lines.

add_library(netwright_options INTERFACE)
target_include_directories(netwright_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
target_compile_options(netwright_options INTERFACE -Wall -Wextra -Wpedantic)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14)
  # False alarms in inlined std::string operator+ (GCC bug 105651).
  target_compile_options(netwright_options INTERFACE -Wno-restrict)
endif()
if(NETWRIGHT_SANITIZE)
  target_compile_options(netwright_options INTERFACE -fsanitize=${NETWRIGHT_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(netwright_options INTERFACE -fsanitize=${NETWRIGHT_SANITIZE})
endif()
if(NETWRIGHT_FUZZ)
  target_compile_options(netwright_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined -fno-omit-frame-pointer
                                                     -fno-sanitize-recover=undefined)
  target_link_options(netwright_options INTERFACE -fsanitize=address,undefined)
endif()

# netwright_library(NAME [TORCH] [DEPENDS libraries...]): a static library of every .cpp in this folder.
function(netwright_library name)
  cmake_parse_arguments(ARG "TORCH" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  add_library(netwright_${name} STATIC ${sources})
  target_link_libraries(netwright_${name} PUBLIC netwright_options ${ARG_DEPENDS})
  if(ARG_TORCH)
    netwright_use_torch(netwright_${name})
  endif()
endfunction()

# Links LibTorch and shares its precompiled header: a plain include of torch/torch.h takes about 20 s to compile.
function(netwright_use_torch target)
  target_include_directories(${target} SYSTEM PRIVATE ${TORCH_INCLUDE_DIRS})
  target_link_libraries(${target} PUBLIC ${TORCH_LIBRARIES})
  # One position-independent kind of code everywhere, so that executables can use the libraries' precompiled header too.
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
  target_compile_options(${target} PRIVATE -Wno-pedantic -fPIC)
  if(target STREQUAL "netwright_nn")
    target_precompile_headers(${target} PRIVATE <torch/torch.h>)
  else()
    target_precompile_headers(${target} REUSE_FROM netwright_nn)
  endif()
endfunction()

# netwright_test(NAME [TORCH] [DEPENDS libraries...]): one executable of every *_test.cpp in this folder.
# Tests whose suite name begins with "Slow" get the label slow; the others unit, or torch.
function(netwright_test name)
  cmake_parse_arguments(ARG "TORCH" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.cpp)
  if(NOT sources)
    return()
  endif()
  set(target test_${name})
  add_executable(${target} ${sources})
  set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_include_directories(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  target_link_libraries(${target} PRIVATE ${ARG_DEPENDS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${target} PRIVATE NETWRIGHT_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                               NETWRIGHT_BINARY_DIR="${CMAKE_BINARY_DIR}")
  set(label unit)
  # Tests run side by side: threads that wait for their next share are not to take the others' time.
  set(environment ENVIRONMENT OMP_WAIT_POLICY=PASSIVE)
  if(ARG_TORCH)
    netwright_use_torch(${target})
    set(label torch)
  endif()
  gtest_discover_tests(${target} NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST TEST_FILTER "-Slow*"
                       PROPERTIES LABELS ${label} TIMEOUT 600 ${environment})
  gtest_discover_tests(${target} NO_PRETTY_VALUES DISCOVERY_MODE PRE_TEST TEST_FILTER "Slow*"
                       PROPERTIES LABELS slow TIMEOUT 3000 ${environment})
endfunction()
