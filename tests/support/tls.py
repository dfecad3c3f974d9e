"""Certificates, and a server that speaks TLS in front of one that does not."""

import contextlib
import datetime as dt
import ipaddress
import socket
import socketserver
import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A private authority, whose certificate is a file.

    Args:
        folder: Where its files are written.
        days: Days until its certificates end.
    """

    def __init__(self, folder: Path, *, days: float = 30) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._days = days
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"authority in {folder.name}")])
        unsigned = self._begin(self._name, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        #: Its own certificate.
        self.file = folder / "ca.pem"
        self._write(self.file, unsigned)

    def issue(self, name: str) -> tuple[Path, Path]:
        """A certificate for a host or an address, and its key."""
        try:
            subject: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            subject = x509.DNSName(name)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, keyfile = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        unsigned = self._begin(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key)
        self._write(
            certificate, unsigned.add_extension(x509.SubjectAlternativeName([subject]), critical=False)
        )
        keyfile.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, keyfile

    def _begin(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return x509.CertificateBuilder(
            issuer_name=self._name,
            subject_name=subject,
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - dt.timedelta(days=1),
            not_valid_after=now + dt.timedelta(days=self._days),
        )

    def _write(self, file: Path, unsigned: x509.CertificateBuilder) -> None:
        file.write_bytes(unsigned.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))


class TlsFront:
    """Speaks TLS on a free port of 127.0.0.1, in front of a port that does not.

    Args:
        port: What it stands in front of.
        certificate: The certificate that it shows, and its key.
        clients: The authority that must have signed its clients' certificates; None asks for none.
    """

    def __init__(self, port: int, certificate: tuple[Path, Path], clients: Authority | None = None) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        if clients:
            context.load_verify_locations(clients.file)
            context.verify_mode = ssl.CERT_REQUIRED

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                with (
                    contextlib.suppress(OSError),
                    context.wrap_socket(
                        self.request, server_side=True, do_handshake_on_connect=False
                    ) as client,
                ):
                    try:
                        client.do_handshake()
                    except ssl.SSLError:
                        # Closed with something unread, a socket resets the connection, and the alert is lost.
                        client.settimeout(2)
                        client.shutdown(socket.SHUT_WR)
                        while client.recv(1 << 16):
                            pass
                        return
                    with socket.create_connection(("127.0.0.1", port)) as server:
                        back = threading.Thread(target=_pump, args=[server, client], daemon=True)
                        back.start()
                        _pump(client, server)
                        back.join(5)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Handler)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])


def behind(redis_url: str, port: int, query: str) -> str:
    """The address of a front of that Redis."""
    return f"rediss://:{urlsplit(redis_url).password}@127.0.0.1:{port}/0?{query}"


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
