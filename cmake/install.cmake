# What `cmake --install` puts where. Headers, library, binary, pkg-config file, CMake package, guest SDK,
# and the pages, completions and schema that exist.
include(CMakePackageConfigHelpers)

install(TARGETS libward EXPORT ward_targets LIBRARY)
set_target_properties(libward PROPERTIES EXPORT_NAME ward)
target_include_directories(libward INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
install(EXPORT ward_targets NAMESPACE ward:: FILE wardTargets.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ward)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/wardConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_SOURCE_DIR}/cmake/wardConfig.cmake ${CMAKE_BINARY_DIR}/wardConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/ward)

install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/ward DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN *.h PATTERN *.def)
# Not below include/: a guest is compiled for another machine than the headers there.
install(FILES ${CMAKE_SOURCE_DIR}/sdk/c/ward_guest.h DESTINATION ${CMAKE_INSTALL_DATADIR}/ward/sdk/c)
# Relative, so that an installed tree can be moved.
file(RELATIVE_PATH WARD_PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/cmake/ward.pc.in ward.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/ward.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET ward)
  install(TARGETS ward RUNTIME)
endif()
if(WARD_STATIC)
  install(TARGETS libward_static ARCHIVE)
  install(FILES ${WARD_ENGINE_LIBRARY} DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
