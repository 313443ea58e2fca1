#!/bin/sh
# coverage_logs.sh BUILD: runs the corpora through the readers of logs and prints, for each file of
# sources/logs, the share of its lines that they ran. BUILD was configured with --coverage. Exit
# status 1 where a file is below 80 %.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
least=80

cd "$build"
find . -name '*.gcda' -delete
for replay in tests/fuzz/replay_log_*; do
    case $replay in *.o) continue ;; esac
    [ -x "$replay" ] && TW_SRCDIR=$top "$replay" >/dev/null
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# -n: the summary alone, "File '...'" and "Lines executed:94.12% of 85" behind it.
# Where libtool puts the objects: there, or in .libs.
find "$build/sources/logs" -name '*.gcda' | while IFS= read -r data; do
    (cd "$scratch" && gcov -n -o "${data%/*}" "$data") 2>/dev/null
done | awk -v least=$least '
    /^File / { file = $0; sub(/^File .*sources\/logs\//, "", file); sub(/.$/, "", file) }
    /^Lines executed:/ && file ~ /^[a-z0-9_]+\.c$/ {
        split($0, part, /[:% ]+/)
        share[file] = part[3]; lines[file] = part[5]
    }
    END {
        for (file in share) {
            printf "%-28s %6.1f %% of %4d\n", file, share[file], lines[file] | "sort"
            run += share[file] * lines[file] / 100
            all += lines[file]
            # Its other half is for processors without the instruction.
            low += share[file] < least && file != "crc32c.c"
        }
        close("sort")
        if (!all)
            exit 2
        printf "%-28s %6.1f %% of %4d\n", "all", 100 * run / all, all
        exit low > 0
    }'
