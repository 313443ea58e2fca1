#!/bin/sh
# python-venv.sh FOLDER [FILE]: a Python environment with the pinned packages of a file, without one
# tests/requirements.txt, made once for each state of both, as the one may include the other. With it
# in FOLDER/bin, nothing on the machine is touched.
set -u

folder=$1
ordinary=$(dirname "$0")/../tests/requirements.txt
wanted=${2:-$ordinary}
stamp=$folder/requirements.txt

cat "$ordinary" "$wanted" | cmp -s - "$stamp" && exit 0
rm -rf "$folder"
for python in /usr/bin/python3 python3; do
    if "$python" -m venv "$folder" >/dev/null 2>&1; then
        "$folder/bin/pip" install -q --disable-pip-version-check -r "$wanted" &&
            cat "$ordinary" "$wanted" >"$stamp"
        exit
    fi
done
exit 1
