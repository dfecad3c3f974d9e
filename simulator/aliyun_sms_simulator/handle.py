"""Handles that start and stop a simulator, in this process or in a process of its own."""

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aliyun_sms_simulator.catalogue import Catalogue
from aliyun_sms_simulator.client import SimulatorControl, SimulatorError
from aliyun_sms_simulator.settings import Settings

__all__ = ["Simulator", "SimulatorProcess"]

_START_S = 20.0
_STOP_S = 10.0


class _Handle(SimulatorControl):
    """What both handles share."""

    #: the value for ``endpoint`` in ``sms.json``; empty until started
    url: str = ""
    #: the same for an element of Aliyun's verification product (Dypnsapi)
    verify_url: str = ""

    def __init__(self) -> None:
        super().__init__("")

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            SimulatorError: it could not start.
        """
        raise NotImplementedError

    def stop(self) -> None:
        """Stop it; a second time does nothing."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class Simulator(_Handle):
    """A simulator in a thread of this process, with an event loop of its own.

    Args:
        host: address to listen on.
        port: of the endpoint; 0 takes a free one.
        control_port: of the control API; 0 takes a free one.
        verify_port: of the endpoint of Dypnsapi; 0 takes a free one.
        catalogue: a catalogue, the path of a catalogue file, or the content of one; None is lenient.
        accounts: more access keys, each with its secret.
        settings: as in :class:`Settings`; they apply at the start and after reset().

    Raises:
        CatalogueError: the catalogue cannot be used.
        ValueError: a setting is unknown or wrong.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        control_port: int = 0,
        verify_port: int = 0,
        catalogue: Catalogue | str | Path | Mapping[str, Any] | None = None,
        accounts: Mapping[str, str] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        self._where = (host, port, control_port, verify_port)
        self._catalogue = _catalogue(catalogue).with_accounts(accounts or {})
        self._settings = Settings().changed(settings)
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._error: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending: asyncio.Event | None = None

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            SimulatorError: it could not start, because a port is in use, for example.
        """
        self._ready.clear()
        self._thread = threading.Thread(target=self._run, name="aliyun-sms-simulator", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._error:
            error, self._error = self._error, None
            self._thread.join()
            raise SimulatorError(f"the simulator could not start: {error}") from error
        return self

    def stop(self) -> None:
        """Stop it; a second time does nothing."""
        thread, self._thread = self._thread, None
        if thread and self._loop and self._ending:
            self._loop.call_soon_threadsafe(self._ending.set)
            thread.join(_STOP_S)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        try:
            # Imported here, so that the client of another process's simulator does not need aiohttp.
            from aliyun_sms_simulator.server import Server  # noqa: PLC0415  see above
            from aliyun_sms_simulator.world import World  # noqa: PLC0415  see above

            server = Server(World(self._catalogue, self._settings))
            await server.start(*self._where)
        except (OSError, ImportError) as error:
            self._error = error
            self._ready.set()
            return
        self._loop, self._ending = asyncio.get_running_loop(), asyncio.Event()
        self.url, self.control_url, self.verify_url = server.url, server.control_url, server.verify_url
        self._ready.set()
        await self._ending.wait()
        await server.stop()


class SimulatorProcess(_Handle):
    """A simulator in a process of its own, for loads that would slow down the test's process.

    Args:
        arguments: more arguments of ``python -m aliyun_sms_simulator``, as in ``["--flow-control"]``.
    """

    def __init__(self, arguments: list[str] | None = None) -> None:
        super().__init__()
        self._arguments = arguments or []
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        return self._process.pid if self._process else None

    def start(self) -> Self:
        """Start it and wait until it answers.

        Raises:
            SimulatorError: it could not start. The message contains what it printed.
        """
        with tempfile.TemporaryDirectory(prefix="aliyun-sms-simulator-") as directory:
            ready, printed = Path(directory) / "ready.json", Path(directory) / "printed"
            ports = ["--port", "0", "--control-port", "0", "--verify-port", "0"]
            command = [sys.executable, "-m", "aliyun_sms_simulator", *ports]
            with printed.open("wb") as output:
                self._process = subprocess.Popen(  # noqa: S603  our own module, arguments as given
                    [*command, "--ready-file", str(ready), *self._arguments], stdout=output, stderr=output
                )
            try:
                where = _await_ready(self._process, ready)
            except SimulatorError as error:
                self.stop()
                raise SimulatorError(f"{error}: {printed.read_text(errors='replace').strip()}") from None
        self.url, self.control_url, self.verify_url = (
            where["url"],
            where["control_url"],
            where["verify_url"],
        )
        return self

    def stop(self) -> None:
        """Stop it; a second time does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _await_ready(process: subprocess.Popen[bytes], ready: Path) -> dict[str, str]:
    end_s = time.monotonic() + _START_S
    while not ready.exists():
        if process.poll() is not None:
            raise SimulatorError(f"the simulator ended with status {process.returncode}")
        if time.monotonic() > end_s:
            raise SimulatorError(f"the simulator was not ready after {_START_S:.0f} seconds")
        time.sleep(0.02)
    where: dict[str, str] = json.loads(ready.read_text(encoding="utf-8"))
    return where


def _catalogue(given: Catalogue | str | Path | Mapping[str, Any] | None) -> Catalogue:
    if isinstance(given, Catalogue):
        return given
    if isinstance(given, str | Path):
        return Catalogue.read(given)
    return Catalogue() if given is None else Catalogue.from_json(dict(given))
