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
install(FILES ${CMAKE_SOURCE_DIR}/sdk/c/ward_guest.h ${CMAKE_SOURCE_DIR}/sdk/c/ward_host.h
        DESTINATION ${CMAKE_INSTALL_DATADIR}/ward/sdk/c)
# Relative, so that an installed tree can be moved.
file(RELATIVE_PATH WARD_PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${CMAKE_SOURCE_DIR}/cmake/ward.pc.in ward.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/ward.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(TARGETS ward RUNTIME)
if(WARD_STATIC)
  install(TARGETS libward_static ARCHIVE)
  install(FILES ${WARD_ENGINE_LIBRARY} DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()

# What the binary itself knows how to write.
set(generated)
foreach(row IN ITEMS "completion bash|ward.bash" "completion zsh|_ward" "completion fish|ward.fish"
                     "validate --schema|ward.schema.json")
  string(REPLACE "|" ";" row ${row})
  list(GET row 0 arguments)
  list(GET row 1 file)
  separate_arguments(arguments)
  add_custom_command(OUTPUT generated/${file} DEPENDS ward VERBATIM
    COMMAND ward ${arguments} > ${CMAKE_BINARY_DIR}/generated/${file})
  list(APPEND generated generated/${file})
endforeach()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/generated)
if(NOT WARD_SANITIZE)
  add_custom_target(ward_generated ALL DEPENDS ${generated})
endif()
install(FILES ${CMAKE_BINARY_DIR}/generated/ward.bash RENAME ward
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${CMAKE_BINARY_DIR}/generated/_ward
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${CMAKE_BINARY_DIR}/generated/ward.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES ${CMAKE_BINARY_DIR}/generated/ward.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/ward)

file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/man/*.[1-8])
foreach(page IN LISTS pages)
  cmake_path(GET page EXTENSION LAST_ONLY section)
  string(SUBSTRING ${section} 1 1 section)
  install(FILES ${page} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach()

# What systemd wants to know. The binary's place is that of the prefix at configuration, as in everything that
# has to name it.
option(WARD_SYSTEMD "install the unit files for systemd" ON)
if(WARD_SYSTEMD)
  foreach(unit IN ITEMS ward.service ward.socket ward-grpc.socket)
    file(READ ${CMAKE_SOURCE_DIR}/deploy/systemd/${unit} text)
    string(REPLACE "/usr/bin/ward" "${CMAKE_INSTALL_FULL_BINDIR}/ward" text "${text}")
    file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/systemd/${unit} CONTENT "${text}" @ONLY)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/deploy/systemd/${unit})
    install(FILES ${CMAKE_BINARY_DIR}/systemd/${unit} DESTINATION lib/systemd/system)
  endforeach()
  install(FILES ${CMAKE_SOURCE_DIR}/deploy/systemd/sysusers.conf DESTINATION lib/sysusers.d RENAME ward.conf)
endif()
