# How Ward is compiled: target ward_flags for all of it, ward_ship for what is installed.
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug, Release, …" FORCE)
endif()
# Without NDEBUG: assertions stay on.
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")

add_library(ward_flags INTERFACE)
target_compile_definitions(ward_flags INTERFACE _GNU_SOURCE WARD_VERSION="${PROJECT_VERSION}"
                           WARD_COMPILER="${CMAKE_INSTALL_FULL_BINDIR}/ward")
target_compile_options(ward_flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wvla -Werror
                       -fno-semantic-interposition
                       -fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=)  # an assertion names src/…
target_include_directories(ward_flags INTERFACE ${CMAKE_SOURCE_DIR}/include ${CMAKE_SOURCE_DIR}/src)
if(WARD_SANITIZE)
  target_compile_options(ward_flags INTERFACE -fsanitize=${WARD_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(ward_flags INTERFACE -fsanitize=${WARD_SANITIZE})
endif()

# What is shipped is linked with ward_ship, the rest as the compiler left it: the objects are fat.
add_library(ward_ship INTERFACE)
target_link_options(ward_ship INTERFACE -Wl,--gc-sections)
set(ward_lto_compile)
if(WARD_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
  set(ward_lto_compile -flto=auto -ffat-lto-objects)
  set(ward_lto_not -fno-lto)
  target_link_options(ward_ship INTERFACE -flto=auto)
endif()
