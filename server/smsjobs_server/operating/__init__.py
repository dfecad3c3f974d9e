"""The operator's pages: what the running system does, and the buttons that steer it.

It does nothing by itself. Whatever acts is a public function of `smsjobs`, by a form that asks first, from somebody who may
operate, and is written down in the audit log. What all pages show is read once for all of them, and never by a scan of keys.
"""

from smsjobs_server.operating.app import OperatorPages

__all__ = ["OperatorPages"]
