# The engine: target ward_engine, WARD_ENGINE_LIBRARY and, unless the engine has a reactor of its own,
# WARD_ENGINE_SOURCE, the stand-in for it. WARD_ENGINE_DIR is what tools/setup prints: lib/libward_engine.a and
# include/, or the prefix of an installed Wasmtime.
set(WARD_ENGINE_DIR "$ENV{WARD_ENGINE_DIR}" CACHE PATH "where tools/setup has put the engine")
if(NOT WARD_ENGINE_DIR)
  # Whoever runs CMake directly gets what `make` would have got.
  set(get ${CMAKE_CURRENT_LIST_DIR}/../tools/engine/get)
  execute_process(COMMAND ${get} --is-there RESULT_VARIABLE absent ERROR_QUIET)
  if(NOT absent)
    execute_process(COMMAND ${get} OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE)
    set_property(CACHE WARD_ENGINE_DIR PROPERTY VALUE ${found})
  endif()
endif()

# Found anew each time: the folder's name changes with what is inside.
unset(WARD_ENGINE_LIBRARY CACHE)
unset(WARD_ENGINE_INCLUDE CACHE)
find_library(WARD_ENGINE_LIBRARY NAMES ward_engine libwasmtime.a wasmtime PATHS ${WARD_ENGINE_DIR}
             PATH_SUFFIXES lib lib64 lib/${CMAKE_LIBRARY_ARCHITECTURE} NO_DEFAULT_PATH)
find_path(WARD_ENGINE_INCLUDE wasmtime.h HINTS ${WARD_ENGINE_DIR}/include NO_DEFAULT_PATH)
mark_as_advanced(WARD_ENGINE_LIBRARY WARD_ENGINE_INCLUDE)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(WardEngine
  REQUIRED_VARS WARD_ENGINE_LIBRARY WARD_ENGINE_INCLUDE
  FAIL_MESSAGE "No engine. Run tools/setup, or set WARD_ENGINE_DIR to the folder that it prints.")

if(NOT TARGET ward_engine)
  add_library(ward_engine INTERFACE)
  target_link_libraries(ward_engine INTERFACE ${WARD_ENGINE_LIBRARY} dl m pthread)
  target_include_directories(ward_engine SYSTEM INTERFACE ${WARD_ENGINE_INCLUDE})
endif()
if(NOT WARD_ENGINE_LIBRARY MATCHES "libward_engine")
  set(WARD_ENGINE_SOURCE ${CMAKE_CURRENT_LIST_DIR}/../tools/engine/no_reactor.c)
endif()
