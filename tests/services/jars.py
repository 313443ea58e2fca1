"""Fetches the services' jars by Maven, once, into the build folder, and finds a Java that runs them.

    python3 -m services.jars BUILD_DIR      fetches and compiles everything (run-tests does this)
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import zipfile

HERE = pathlib.Path(__file__).resolve().parent

# OpenSearch 2.x still installs a SecurityManager, which Java 24 removed (JEP 486).
OLDEST_JAVA, NEWEST_JAVA = 17, 23


def java_release(program):
    """The feature release of a `java` program, or 0 where it does not run."""
    try:
        told = subprocess.run([program, "-version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    match = re.search(r'version "(\d+)', told.stderr)
    return int(match.group(1)) if match else 0


def java_bin():
    """The folder of a java and javac of a release that all services run on."""
    homes = [os.environ.get("JAVA_HOME", "")] + sorted(map(str, pathlib.Path("/usr/lib/jvm").glob("*")))
    programs = [shutil.which("java")] + [os.path.join(home, "bin", "java") for home in homes if home]
    for program in filter(None, programs):
        folder = pathlib.Path(program).resolve().parent
        if (folder / "javac").exists() and OLDEST_JAVA <= java_release(program) <= NEWEST_JAVA:
            return folder
    raise RuntimeError(f"no JDK {OLDEST_JAVA} to {NEWEST_JAVA} here; install openjdk-17-jdk-headless")


def fetch(name, build_dir):
    """The folder with the jars of `name`; fetched when its pom.xml has changed or never before."""
    pom = HERE / f"{name}.pom.xml"
    folder = pathlib.Path(build_dir).resolve() / "services" / name
    stamp = folder / "pom.xml"
    if stamp.exists() and stamp.read_bytes() == pom.read_bytes():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    done = subprocess.run(
        ["mvn", "-q", "-B", "-f", str(pom), "dependency:copy-dependencies",
         "-DincludeScope=runtime", f"-DoutputDirectory={folder}"],
        env={**os.environ, "JAVA_HOME": str(java_bin().parent)}, capture_output=True, text=True)
    if done.returncode or not any(folder.glob("*.jar")):
        raise RuntimeError(f"Maven could not fetch {pom.name}:\n{done.stdout}{done.stderr}")
    stamp.write_bytes(pom.read_bytes())  # last, so that half a folder is fetched again
    return folder


def elasticsearch_home(build_dir):
    """The folder of Elasticsearch's jars, put as it wants them: lib/, and its HTTP as a module."""
    jars = fetch("elasticsearch", build_dir)
    home = jars.parent / "elasticsearch-home"
    if (home / "pom.xml").exists() and (home / "pom.xml").read_bytes() == (jars / "pom.xml").read_bytes():
        return home
    shutil.rmtree(home, ignore_errors=True)
    module = home / "modules" / "transport-netty4"
    for folder in (home / "lib", home / "plugins", module):
        folder.mkdir(parents=True)
    for jar in jars.glob("*.jar"):
        of_module = jar.name.startswith(("netty-", "transport-netty4-"))
        os.link(jar, (module if of_module else home / "lib") / jar.name)
    (plugin,) = module.glob("transport-netty4-*.jar")
    with zipfile.ZipFile(plugin) as archive:
        text = archive.read("META-INF/es-plugins/transport-netty4/plugin-descriptor.properties")
    # Not as a module of Java: then its jars would have to be on the module path.
    (module / "plugin-descriptor.properties").write_bytes(
        re.sub(rb"(?m)^modulename=.*$", b"", text))
    shutil.copy(jars / "pom.xml", home / "pom.xml")
    return home


def compile_launcher(source, jars, build_dir):
    """The folder with the class of a launcher, compiled against `jars` when its source is newer."""
    folder = pathlib.Path(build_dir).resolve() / "services" / "classes"
    compiled = folder / (source.stem + ".class")
    if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([java_bin() / "javac", "-d", folder, "-cp", f"{jars}/*", source], check=True)
    return folder


def main():
    build_dir = sys.argv[1]
    fetch("kafka", build_dir)
    compile_launcher(HERE / "OpenSearchNode.java", fetch("opensearch", build_dir), build_dir)
    compile_launcher(HERE / "ElasticsearchNode.java", elasticsearch_home(build_dir) / "lib", build_dir)


if __name__ == "__main__":
    main()
