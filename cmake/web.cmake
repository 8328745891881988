# The dashboard becomes part of the program: web_to/web_files.h, from src/surface/web/.
set(web_from ${CMAKE_SOURCE_DIR}/src/surface/web)
set(web_to ${CMAKE_BINARY_DIR}/web)
file(GLOB web_names RELATIVE ${web_from} CONFIGURE_DEPENDS ${web_from}/*.html ${web_from}/*.css
     ${web_from}/*.js)
list(TRANSFORM web_names PREPEND ${web_from}/ OUTPUT_VARIABLE web_paths)
list(JOIN web_names "|" web_files)
add_custom_command(OUTPUT ${web_to}/web_files.h
  COMMAND ${CMAKE_COMMAND} -E make_directory ${web_to}
  COMMAND ${CMAKE_COMMAND} -DFROM=${web_from} -DTO=${web_to}/web_files.h -DFILES=${web_files}
          -P ${CMAKE_SOURCE_DIR}/cmake/web_files.cmake
  DEPENDS ${web_paths} ${CMAKE_SOURCE_DIR}/cmake/web_files.cmake VERBATIM)
