# amberfs_library(NAME SRCS ... [DEPS ...] [LINK ...] [TESTS ...])
#
# One static library per folder, amberfs::NAME, without exceptions or RTTI. DEPS are folders below
# it, LINK foreign targets. TESTS become one GoogleTest binary, NAME_test.
function(amberfs_library name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SRCS;DEPS;LINK;TESTS")
  add_library(amberfs_${name} STATIC ${arg_SRCS})
  add_library(amberfs::${name} ALIAS amberfs_${name})
  file(GLOB headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.h)
  target_sources(amberfs_${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}
                                        FILES ${headers})
  list(TRANSFORM arg_DEPS PREPEND amberfs::)
  target_link_libraries(amberfs_${name} PUBLIC amberfs_flags ${arg_DEPS} ${arg_LINK}
                                        PRIVATE amberfs_no_exceptions)
  set_target_properties(amberfs_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  if(AMBERFS_TESTS AND arg_TESTS)
    amberfs_test(${name}_test SRCS ${arg_TESTS} DEPS ${name})
  endif()
endfunction()

# amberfs_test(NAME SRCS ... DEPS ... [LINK ...]): a GoogleTest binary whose cases ctest runs.
function(amberfs_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SRCS;DEPS;LINK")
  add_executable(${name} ${arg_SRCS})
  list(TRANSFORM arg_DEPS PREPEND amberfs::)
  target_link_libraries(${name} PRIVATE amberfs_flags ${arg_DEPS} ${arg_LINK} GTest::gtest_main)
  amberfs_unoptimised_with_sanitizers(${name})
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 60
                       PROPERTIES TIMEOUT 300)
endfunction()

# amberfs_unoptimised_with_sanitizers(NAME): for programs that are much code around the libraries and
# run for a moment; optimising what the sanitizers put in would take most of the build's time.
function(amberfs_unoptimised_with_sanitizers name)
  if(AMBERFS_SANITIZE)
    target_compile_options(${name} PRIVATE -O0)
  endif()
endfunction()
