#!/bin/sh
# embed.sh NAME FILE...: prints C that holds the files, one after the other, as
# tw_embedded_NAME[] with tw_embedded_NAME_size (without the final NUL that is there too).
set -eu
name=$1; shift
echo "#include <stddef.h>"
echo "extern const unsigned char tw_embedded_$name[]; extern const size_t tw_embedded_${name}_size;"
echo "const unsigned char tw_embedded_$name[] = {"
cat "$@" | od -An -v -tu1 | sed 's/  *\([0-9][0-9]*\)/\1,/g'
echo "0};"
echo "const size_t tw_embedded_${name}_size = sizeof tw_embedded_$name - 1;"
