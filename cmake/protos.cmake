# The messages of gRPC: protos_sources, generated in protos_to by protoc-c from src/surface/proto/;
# grpc_descriptors.h holds the same files as reflection hands them out.
set(protos_from ${CMAKE_SOURCE_DIR}/src/surface/proto)
set(protos_to ${CMAKE_BINARY_DIR}/protos)
set(protos_told grpc/health/v1/health.proto grpc/reflection/v1/reflection.proto
    grpc/reflection/v1alpha/reflection.proto)
set(protos_used grpc/health/v1/health.proto grpc/reflection/v1/reflection.proto
    own/descriptor.proto)
find_program(PROTOC_C protoc-c REQUIRED)

set(protos_code)
foreach(proto IN LISTS protos_used)
  string(REGEX REPLACE "proto$" "pb-c.c" code ${proto})
  string(REGEX REPLACE "proto$" "pb-c.h" header ${proto})
  add_custom_command(OUTPUT ${protos_to}/${code} ${protos_to}/${header}
    COMMAND ${CMAKE_COMMAND} -E make_directory ${protos_to}
    COMMAND ${PROTOC_C} --proto_path=${protos_from} --c_out=${protos_to} ${proto}
    DEPENDS ${protos_from}/${proto} VERBATIM)
  list(APPEND protos_code ${protos_to}/${code})
endforeach()

set(protos_set ${protos_to}/descriptors.bin)
list(TRANSFORM protos_told PREPEND ${protos_from}/ OUTPUT_VARIABLE protos_files)
add_custom_command(OUTPUT ${protos_to}/grpc_descriptors.h
  COMMAND ${CMAKE_COMMAND} -E make_directory ${protos_to}
  COMMAND ${PROTOC_C} --proto_path=${protos_from} --descriptor_set_out=${protos_set} ${protos_told}
  COMMAND ${CMAKE_COMMAND} -DFROM=${protos_set} -DTO=${protos_to}/grpc_descriptors.h
          -DNAME=grpc_descriptors -P ${CMAKE_SOURCE_DIR}/cmake/bytes.cmake
  DEPENDS ${protos_files} ${CMAKE_SOURCE_DIR}/cmake/bytes.cmake VERBATIM)

# Written by a program, and not to be warned of.
set_source_files_properties(${protos_code} PROPERTIES COMPILE_OPTIONS -w)
set(protos_sources ${protos_code} ${protos_to}/grpc_descriptors.h)
