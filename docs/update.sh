#!/bin/sh
# Puts the option tables of the present code between the markers of the pages:
#
#     <!-- options: sinks email -->
#     <!-- end -->
#
#     docs/update.sh [BUILD FOLDER] [PAGE...]
set -eu

here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../build}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- "$here"/*.md "$here"/*/*.md
print=$build/tests/tools/print_options
[ -x "$print" ] || {
    echo "update.sh: build $print first (make tests/tools/print_options)" >&2
    exit 1
}

# fill PAGE: the page with its tables made anew. A table that cannot be printed ends it.
fill() {
    skipping=
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
        '<!-- options: '*' -->')
            names=${line#<!-- options: }
            # Two words: the kind and perhaps a name.
            # shellcheck disable=SC2086
            table=$("$print" ${names% -->}) || return 1
            printf '%s\n\n%s\n\n' "$line" "$table"
            skipping=yes
            ;;
        '<!-- end -->')
            skipping=
            printf '%s\n' "$line"
            ;;
        *)
            [ -n "$skipping" ] || printf '%s\n' "$line"
            ;;
        esac
    done <"$1"
    if [ -n "$skipping" ]; then
        echo "update.sh: $1: a table without '<!-- end -->'" >&2
        return 1
    fi
}

for page; do
    fill "$page" >"$page.new" || {
        rm -f "$page.new"
        exit 1
    }
    if cmp -s "$page" "$page.new"; then
        rm "$page.new"
    else
        mv "$page.new" "$page"
        echo "${page##*/}: tables made anew"
    fi
done
