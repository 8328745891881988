# The engine: target ward_engine. WARD_ENGINE_DIR is what tools/setup prints (lib/libward_engine.a and include/).
set(WARD_ENGINE_DIR "$ENV{WARD_ENGINE_DIR}" CACHE PATH "where tools/setup has put the engine")
find_library(WARD_ENGINE_LIBRARY ward_engine HINTS ${WARD_ENGINE_DIR}/lib NO_DEFAULT_PATH)
find_path(WARD_ENGINE_INCLUDE wasmtime.h HINTS ${WARD_ENGINE_DIR}/include NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(WardEngine
  REQUIRED_VARS WARD_ENGINE_LIBRARY WARD_ENGINE_INCLUDE
  FAIL_MESSAGE "No engine. Run tools/setup, or set WARD_ENGINE_DIR to the folder that it prints.")
if(NOT TARGET ward_engine)
  add_library(ward_engine INTERFACE)
  target_link_libraries(ward_engine INTERFACE ${WARD_ENGINE_LIBRARY} dl m pthread)
  target_include_directories(ward_engine SYSTEM INTERFACE ${WARD_ENGINE_INCLUDE})
endif()
