"""``python -m aliyun_sms_simulator``."""

import sys

from aliyun_sms_simulator.cli import main

sys.exit(main())
