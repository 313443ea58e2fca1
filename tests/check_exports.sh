#!/bin/sh
# libtrainward.so exports what telemetry/trainward.sym lists, and nothing else.
library=${TW_BUILDDIR:-.}/.libs/libtrainward.so
list=${TW_SRCDIR:-.}/telemetry/trainward.sym
if ! command -v nm >/dev/null || ! test -e "$library"; then
    echo "1..0 # SKIP needs nm and the shared library"
    exit 0
fi
echo "1..2"
exported=$(mktemp) && listed=$(mktemp) || exit 99
trap 'rm -f "$exported" "$listed"' EXIT
nm -D --defined-only "$library" | sed 's/.* //' | grep -v '^_' | LC_ALL=C sort >"$exported"
LC_ALL=C sort "$list" >"$listed"
if diff "$listed" "$exported" | sed 's/^/# /' | grep .; then
    echo "not ok 1 - the exported symbols are those of the list"
else
    echo "ok 1 - the exported symbols are those of the list"
fi

# Every function of the installed headers is there for those who include them.
missing=$(cd "${TW_SRCDIR:-.}/telemetry" &&
    sed -n '/^static inline/d;s/^[a-z].*[ *]\(tw_[a-z_0-9]*\)(.*/\1/p' \
        error.h record.h wire.h run_file.h emitter.h statistics.h | LC_ALL=C sort -u |
    while read -r name; do grep -qx "$name" trainward.sym || echo "$name"; done)
if test -n "$missing"; then
    echo "# declared but not exported: $missing"
    echo "not ok 2 - what the installed headers declare is exported"
else
    echo "ok 2 - what the installed headers declare is exported"
fi
