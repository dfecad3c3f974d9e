"""An Alibaba Cloud SMS endpoint for localhost, for tests and for trying things out.

The official SDK works with it unmodified. It records what it accepted. It can be told to fail in every way that a
network and a provider can. See docs/simulator.md.
"""

from aliyun_sms_simulator.catalogue import Catalogue, CatalogueError
from aliyun_sms_simulator.client import SimulatorControl, SimulatorError
from aliyun_sms_simulator.handle import Simulator, SimulatorProcess
from aliyun_sms_simulator.settings import Settings

__all__ = [
    "Catalogue",
    "CatalogueError",
    "Settings",
    "Simulator",
    "SimulatorControl",
    "SimulatorError",
    "SimulatorProcess",
]
