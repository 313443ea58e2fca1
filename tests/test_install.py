"""What `make install` puts in place is enough to build against and to run."""

import json
import os
import subprocess

import pytest

from support import programs

PROGRAM = """\
#include <trainward/emitter.h>
int main(void)
{
    struct tw_emitter_options options = {.run = "mine", .run_dir = "run"};
    struct tw_emitter *emitter;
    if (tw_emitter_open(&emitter, &options, NULL))
        return 1;
    for (uint64_t step = 1; step <= 700; step++) {
        struct tw_record record;
        tw_record_init(&record);
        record.kind = TW_KIND_STEP;
        record.step = step;
        record.has = TW_HAS_KIND | TW_HAS_STEP;
        tw_record_set(&record, TW_SIGNAL_LOSS, 1.0 / (double)step + (double)(step % 3));
        tw_emit(emitter, &record);
    }
    return tw_emitter_close(emitter, NULL, NULL) ? 1 : 0;
}
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder below which `make install` has put everything."""
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(["make", "-s", "-C", programs.BUILD, "install", f"DESTDIR={root}"], check=True,
                   capture_output=True)
    return root


@pytest.fixture(scope="module")
def prefix(installed):
    return installed / "usr" / "local"


def pkg_config(installed, prefix, *arguments):
    return subprocess.run(
        ["pkg-config", *arguments, "trainward"], check=True, capture_output=True, text=True,
        env={**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(installed),
             "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}).stdout.split()


def test_the_programs_run_where_they_are_installed(prefix):
    for name in ("trainward", "trainward-train"):
        done = subprocess.run([prefix / "bin" / name, "--help"], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "usage" in done.stdout.lower()


def test_a_c_program_emits_through_the_installed_library(installed, prefix, tmp_path):
    (tmp_path / "mine.c").write_text(PROGRAM)
    flags = pkg_config(installed, prefix, "--cflags", "--libs")
    subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", "-o", "mine", "mine.c", *flags], check=True,
                   cwd=tmp_path)
    done = subprocess.run(["./mine"], cwd=tmp_path, capture_output=True, text=True, timeout=60,
                          env={**os.environ, "LD_LIBRARY_PATH": str(prefix / "lib")})
    assert done.returncode == 0, done.stderr
    printed = json.loads(programs.trainward("analyze", "--format", "json", "run",
                                            cwd=tmp_path).stdout)
    assert printed["run"] == "mine"
    assert printed["steps"] == 700 and printed["skipped_lines"] == 0
    assert printed["signals"]["loss"] == {"raw_name": "loss", "count": 700}


def test_the_library_exports_only_names_of_its_own(prefix):
    listed = subprocess.run(["nm", "-D", "--defined-only", prefix / "lib" / "libtrainward.so"],
                            check=True, capture_output=True, text=True).stdout
    names = [line.split()[-1].split("@")[0] for line in listed.splitlines()]
    assert "tw_emitter_open" in names
    assert [name for name in names if not name.startswith("tw_")] == []


def test_every_installed_header_compiles_alone(installed, prefix, tmp_path):
    flags = pkg_config(installed, prefix, "--cflags")
    headers = sorted((prefix / "include" / "trainward").glob("*.h"))
    assert [header.name for header in headers if header.name == "emitter.h"]
    for header in headers:
        (tmp_path / "one.c").write_text(f"#include <trainward/{header.name}>\n")
        subprocess.run(["gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "one.c",
                        *flags], check=True, cwd=tmp_path)
