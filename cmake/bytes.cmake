# cmake -DFROM=FILE -DTO=HEADER -DNAME=NAME -P bytes.cmake: a file as an array of C.
file(READ ${FROM} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n"
       bytes "${bytes}")
file(WRITE ${TO} "static const unsigned char ${NAME}[] = {\n${bytes}\n};\n")
