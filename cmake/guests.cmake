# Guests in C and C++, built with Debian's clang, lld and wasi-libc.
#
#   ward_add_guest(TARGET SOURCE [CXX] [LIBC none|reactor|command] [DEFINES …] [FLAGS …] [NAME name] [FOLDER folder])
#
# makes NAME.wasm (default: the target's) in FOLDER (default: the build tree's guests/) as part of the default build.
# LIBC none (the default) needs nothing but the compiler and the linker; reactor and command link wasi-libc.
find_program(WARD_GUEST_CLANG clang)
find_program(WARD_GUEST_LD wasm-ld)
find_path(WARD_GUEST_LIBC wasi/api.h PATHS /usr/include/wasm32-wasi NO_DEFAULT_PATH)

foreach(tool IN ITEMS CLANG LD)
  if(NOT WARD_GUEST_${tool})
    message(FATAL_ERROR "Guests in C can't be built without clang and lld. Run tools/setup, or: apt-get install clang lld")
  endif()
endforeach()
if(NOT WARD_GUEST_LIBC)
  message(STATUS "No wasi-libc: guests that need it are not built, and their tests fail. tools/setup --for test installs it.")
endif()

cmake_path(SET WARD_GUEST_INCLUDE NORMALIZE ${CMAKE_CURRENT_LIST_DIR}/../sdk/c)
set(WARD_GUEST_FLAGS -O2 -g0 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)

function(ward_add_guest target source)
  cmake_parse_arguments(guest "CXX" "LIBC;NAME;FOLDER" "DEFINES;FLAGS" ${ARGN})
  if(NOT guest_NAME)
    set(guest_NAME ${target})
  endif()
  if(NOT guest_FOLDER)
    set(guest_FOLDER ${CMAKE_BINARY_DIR}/guests)
  endif()
  set(compiler ${WARD_GUEST_CLANG} -x c -std=c17)
  if(guest_CXX)
    # Not clang++: that would link libc++, which these guests do without.
    set(compiler ${WARD_GUEST_CLANG} -x c++ -std=c++17 -fno-exceptions -fno-rtti)
  endif()
  if(guest_LIBC MATCHES "reactor|command" AND NOT WARD_GUEST_LIBC)
    return()
  endif()
  set(linking --target=wasm32 -nostdlib -Wl,--no-entry)
  if(guest_LIBC STREQUAL "reactor")
    set(linking --target=wasm32-wasi -mexec-model=reactor)
  elseif(guest_LIBC STREQUAL "command")
    set(linking --target=wasm32-wasi)
  endif()
  list(TRANSFORM guest_DEFINES PREPEND -D)
  cmake_path(ABSOLUTE_PATH source)
  set(output ${guest_FOLDER}/${guest_NAME}.wasm)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${guest_FOLDER}
    COMMAND ${compiler} ${linking} ${WARD_GUEST_FLAGS} ${guest_FLAGS} ${guest_DEFINES}
            -I${WARD_GUEST_INCLUDE} -Wl,--strip-debug -o ${output} ${source}
    DEPENDS ${source} ${WARD_GUEST_INCLUDE}/ward_guest.h ${WARD_GUEST_INCLUDE}/ward_host.h
    COMMENT "Guest ${guest_NAME}.wasm"
    VERBATIM)
  add_custom_target(guest_${target} ALL DEPENDS ${output})
endfunction()
