# What doxygen sees of a header. The comment that opens it documents the file (doxygen leaves out
# what undocumented files hold), and the errors stand where error.def is included, on one line so
# that the lines of warnings stay true.
NR == 1 {
    name = FILENAME
    sub(/.*\//, "", name)
    sub(/^\/\*/, "/** @file " name)
}
/^#include <ward\/error.def>/ {
    while ((getline row < "include/ward/error.def") > 0)
        if (row ~ /^WARD_ERROR/) {
            split(row, part, /[(,]/)
            split(row, quoted, "\"")
            printf "WARD_ERROR_%s = %d, /**< %s */ ", part[2], part[3], quoted[2]
        }
    print ""
    next
}
{ print }
