#!/bin/sh
# Refuses an #include against the arrows between the rooms (docs/architecture.md, "Rooms and
# arrows"). Prints TAP: one test a room. Usage: check-includes.sh [SOURCE FOLDER]
set -eu
export LC_ALL=C

cd "${1:-${TW_SRCDIR:-.}}"

# A room and those that it may include from, itself among them; * is every room.
arrows="
telemetry   telemetry
trainer     trainer telemetry
sources     sources telemetry
detectors   detectors telemetry
rules       rules detectors telemetry
advisories  advisories rules detectors telemetry
sinks       sinks advisories rules detectors telemetry
agent       *
tests       *
bench       *
"

# The floor, which every room stands on.
floor="telemetry/error.h telemetry/option.h"

# Prints "FILE:LINE: INCLUDED" for each quoted include of a room that leads to another room.
includes_of() {
    find "$1" -name '*.[ch]' | sort | while read -r file; do
        sed -n '/^[[:space:]]*#[[:space:]]*include[[:space:]]*"/{=;s/^[^"]*"\([^"]*\)".*/\1/p;}' \
            "$file" | while read -r line && read -r included; do
            # As the compiler looks it up: beside the file first, then from the top. What lies
            # nowhere is generated.
            folder=${file%/*}
            if [ -e "$folder/$included" ]; then
                found=$(realpath -m --relative-to=. "$folder/$included")
            elif [ "${included#*/}" = "$included" ]; then
                continue
            else
                found=$(realpath -m --relative-to=. "$included")
            fi
            [ "${found%%/*}" = "$1" ] || echo "$file:$line: $found"
        done
    done
}

echo "$arrows" | awk 'NF { print }' | {
    n=0
    status=0
    while read -r room allowed; do
        n=$((n + 1))
        wrong=
        [ "$allowed" = "*" ] || wrong=$(includes_of "$room" | while read -r place found; do
            for each in $floor; do
                [ "$found" != "$each" ] || continue 2
            done
            for each in $allowed; do
                [ "${found%%/*}" != "$each" ] || continue 2
            done
            echo "# $place $found: $room/ may include from $allowed only"
        done)
        if [ -z "$wrong" ]; then
            echo "ok $n - $room/ includes along the arrows"
        else
            status=1
            echo "$wrong"
            echo "not ok $n - $room/ includes along the arrows"
        fi
    done
    echo "1..$n"
    exit "$status"
}
