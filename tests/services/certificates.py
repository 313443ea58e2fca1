"""A certificate authority of our own, for the services that talk TLS."""

import pathlib
import subprocess


def make_certificate(folder, names="DNS:localhost,IP:127.0.0.1", days=30):
    """A certificate authority and a server certificate: (ca, certificate, key). One of negative days
    has expired."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    ca, ca_key = folder / "ca.pem", folder / "ca.key"
    certificate, key, request = folder / "server.pem", folder / "server.key", folder / "server.csr"
    extensions = folder / "names.txt"
    extensions.write_text(f"subjectAltName={names}\n")
    new_key = ["-newkey", "rsa:2048", "-nodes"]
    for arguments in (
            ["req", "-x509", *new_key, "-days", "30", "-keyout", ca_key, "-out", ca,
             "-subj", "/CN=trainward test authority"],
            ["req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=localhost"],
            ["x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
             "-days", days, "-extfile", extensions, "-out", certificate]):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
    return ca, certificate, key
