# find_package(ward): target ward::ward.
include(${CMAKE_CURRENT_LIST_DIR}/wardTargets.cmake)
