"""Over HTTP: what Aliyun pushes, and whether this is alive. The extra ``[server]``; the command is ``smsjobs serve``."""

from smsjobs_server.app import make_app
from smsjobs_server.log import set_up_log
from smsjobs_server.running import Server
from smsjobs_server.settings import ServerSettings

__all__ = ["Server", "ServerSettings", "make_app", "set_up_log"]
