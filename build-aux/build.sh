# Shell functions that quickstart and run-tests share. Source it with TOP set to the source folder.
# shellcheck shell=sh

# Runs a command whose output matters only when it fails.
quietly() {
    log=$TOP/build/quietly.log
    mkdir -p "$TOP/build"
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        return 1
    fi
}

# Makes `configure` where it is missing or older than what it is made from.
generate_configure() {
    if [ ! -e "$TOP/configure" ] || [ ! -e "$TOP/Makefile.in" ] || [ -n "$(find \
        "$TOP/configure.ac" "$TOP/Makefile.am" "$TOP"/*/local.mk -newer "$TOP/configure")" ]; then
        (cd "$TOP" && quietly autoreconf -fi)
    fi
}

# configure_in FOLDER [OPTION...]: configures a build folder, unless that is done already: with these
# very options, or with any where none is given.
configure_in() {
    folder=$1
    shift
    if [ -e "$folder/Makefile" ] && [ "$folder/config.status" -nt "$TOP/configure" ]; then
        if [ $# -eq 0 ] || [ "$(cat "$folder/configured-with" 2>/dev/null)" = "$*" ]; then
            return
        fi
    fi
    mkdir -p "$folder"
    # Objects do not depend on the flags that they were made with.
    [ ! -e "$folder/Makefile" ] || quietly make -C "$folder" clean || return 1
    (cd "$folder" && quietly "$TOP/configure" "$@") || return 1
    echo "$*" >"$folder/configured-with"
}

# make_in FOLDER TARGET...
make_in() {
    folder=$1
    shift
    make -s -C "$folder" -j"$(nproc)" "$@"
}
