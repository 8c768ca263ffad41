# All compiler flags live on one interface target, amberfs_flags; amberfs_no_exceptions is added for
# the libraries. Nothing else sets flags.
add_library(amberfs_flags INTERFACE)
target_include_directories(amberfs_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
target_compile_options(amberfs_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Wcast-align
  -Wundef -fstack-protector-strong)
# Library assertions stay on in every build: they turn misuse of span, optional, expected and
# vector into an abort.
target_compile_definitions(amberfs_flags INTERFACE _GLIBCXX_ASSERTIONS _FILE_OFFSET_BITS=64)
target_link_options(amberfs_flags INTERFACE -Wl,-z,relro,-z,now)
if(AMBERFS_WERROR)
  target_compile_options(amberfs_flags INTERFACE -Werror)
endif()

include(CheckPIESupported)
check_pie_supported()

if(AMBERFS_SANITIZE)
  target_compile_options(amberfs_flags INTERFACE
    -fsanitize=${AMBERFS_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(amberfs_flags INTERFACE -fsanitize=${AMBERFS_SANITIZE})
  if(AMBERFS_SANITIZE MATCHES "undefined")
    target_compile_options(amberfs_flags INTERFACE -fno-sanitize=vptr)
  endif()
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  target_compile_definitions(amberfs_flags INTERFACE _FORTIFY_SOURCE=2)
endif()
if(AMBERFS_FUZZ)
  # A wrapped offset may still lie inside the image, where no other sanitizer sees it.
  target_compile_options(amberfs_flags INTERFACE
    -fsanitize=fuzzer-no-link,integer -fno-sanitize=unsigned-shift-base
    -fsanitize-ignorelist=${PROJECT_SOURCE_DIR}/fuzz/integer_ignorelist.txt)
  target_link_options(amberfs_flags INTERFACE -fsanitize=integer)
endif()

add_library(amberfs_no_exceptions INTERFACE)
target_compile_options(amberfs_no_exceptions INTERFACE -fno-exceptions -fno-rtti)
