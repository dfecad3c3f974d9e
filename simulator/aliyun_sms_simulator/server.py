"""The whole simulator in one event loop: an endpoint for each of Aliyun's products, and the control API, each on a port."""

import asyncio
from collections.abc import Awaitable

from aiohttp import web

from aliyun_sms_simulator.control import Control
from aliyun_sms_simulator.endpoint import Endpoint
from aliyun_sms_simulator.gateway import DYPNS
from aliyun_sms_simulator.log import LOGGER
from aliyun_sms_simulator.pusher import Pusher
from aliyun_sms_simulator.slow_clients import LINGER_S
from aliyun_sms_simulator.world import World

__all__ = ["Server"]


class Server:
    """A running simulator.

    Args:
        world: what it serves.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._pusher = Pusher(world)
        self._host = ""
        self._control_port = 0

    @property
    def url(self) -> str:
        """The URL for the SDK: the value for ``endpoint`` in ``sms.json``."""
        return _url(self._host, self._endpoint.port)

    @property
    def control_url(self) -> str:
        """The URL of the control API."""
        return _url(self._host, self._control_port)

    @property
    def verify_url(self) -> str:
        """The same for the SDK of Dypnsapi, or ``""`` where that is not served."""
        return _url(self._host, self._verify.port) if self._verify else ""

    async def start(self, host: str, port: int, control_port: int, verify_port: int | None = None) -> None:
        """Start serving.

        Args:
            host: address to listen on.
            port: of the endpoint; 0 takes a free one.
            control_port: of the control API; 0 takes a free one.
            verify_port: of the endpoint of Dypnsapi, likewise; None for no such endpoint.

        Raises:
            OSError: an address cannot be used; ``filename`` is the port.
        """
        self._host = host
        self._endpoint = Endpoint(self._world)
        self._verify = None if verify_port is None else Endpoint(self._world, DYPNS)
        control = Control(self._world, self._endpoint, *filter(None, (self._verify,)))
        self._runner = web.AppRunner(control.app(), access_log=None, logger=LOGGER, lingering_time=LINGER_S)
        await self._runner.setup()
        if self._runner.server:
            self._looking = asyncio.create_task(control.slow.close_silent(self._runner.server))
        try:
            await _named(self._endpoint.start(host, port), port)
            if self._verify and verify_port is not None:
                await _named(self._verify.start(host, verify_port), verify_port)
            site = web.TCPSite(self._runner, host, control_port)
            await _named(site.start(), control_port)
        except OSError:
            await self.stop()
            raise
        self._control_port = self._runner.addresses[0][1]
        self._pusher.start()

    async def stop(self) -> None:
        """Close every connection and every port."""
        self._looking.cancel()
        await self._pusher.stop()
        await self._endpoint.stop()
        if self._verify:
            await self._verify.stop()
        await self._runner.cleanup()


async def _named(starting: Awaitable[None], port: int) -> None:
    try:
        await starting
    except OSError as error:
        raise OSError(error.errno, error.strerror, port) from None


def _url(host: str, port: int) -> str:
    # An address that means "all addresses" cannot be connected to.
    called = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  compared, not bound
    return f"http://[{called}]:{port}" if ":" in called else f"http://{called}:{port}"
