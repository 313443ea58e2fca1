#!/bin/sh
# Installs the Debian packages that building (`build`) or testing (`test`) needs, those that are
# missing only. Asks nobody anything: as root, or through a sudo that wants no password; otherwise it
# says what to run and ends with status 2. Without anything missing it needs no network.
set -eu

packages="autoconf automake libtool pkg-config gcc make libc6-dev librdkafka-dev libjansson-dev
libcsv-dev libcurl4-openssl-dev libmicrohttpd-dev libopenblas-dev libcbor-dev libyaml-dev liblua5.4-dev libpopt-dev libssl-dev
zlib1g-dev libzstd-dev libsqlite3-dev uthash-dev g++ libsimdjson-dev libkainjow-mustache-dev libesmtp-dev libcairo2-dev"

# True where a JDK is that the tests' services run on (the range of tests/services/jars.py).
has_jdk() {
    for java in "$(command -v java || :)" "${JAVA_HOME:-/nowhere}/bin/java" /usr/lib/jvm/*/bin/java; do
        [ -x "$java" ] || continue
        java=$(readlink -f "$java")
        [ -x "${java%/java}/javac" ] || continue
        release=$("$java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
        [ "${release:-0}" -ge 17 ] && [ "$release" -le 23 ] && return 0
    done
    return 1
}

case ${1-} in
build) ;;
test)
    packages="$packages libcmocka-dev python3 python3-venv maven kcat openssl"
    # A mail transfer agent takes the place of any other: only where there is none.
    [ -e /usr/sbin/sendmail ] || packages="$packages exim4-daemon-light"
    has_jdk || packages="$packages openjdk-17-jdk-headless"
    ;;
*)
    echo "usage: $0 build|test" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is no Debian: packages are not installed; configure will name what is missing." >&2
    exit 0
fi

missing=
for package in $packages; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || :)
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
    as_root="env"
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root="sudo -n env"
else
    echo "Packages are missing, and only root may install them. Run this and try again:" >&2
    echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends$missing" >&2
    exit 2
fi

echo "Installing:$missing"
$as_root DEBIAN_FRONTEND=noninteractive apt-get -qq update
# shellcheck disable=SC2086 # a list
$as_root DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
    -o Dpkg::Use-Pty=0 install $missing >/dev/null
