# Runs PROGRAM with ARGUMENTS and compares what it prints with the file EXPECTED.
execute_process(COMMAND ${PROGRAM} ${ARGUMENTS} OUTPUT_VARIABLE said ERROR_VARIABLE complained RESULT_VARIABLE status)
file(READ ${EXPECTED} expected)
if(NOT status STREQUAL "0" OR NOT said STREQUAL expected)
  message(FATAL_ERROR "exit status ${status}, and it said\n${said}${complained}\nwhere\n${expected}\nwas expected")
endif()
