"""Enqueues a job by a Python that has the producer and nothing else: importing it does not show what sending needs."""

import subprocess
import sys

import redis

from smsjobs.embedded import TemporaryRedis

SEND = """
import sys
from smsjobs import connect
connect(broker_url=sys.argv[1]).getElement("SMS.Example").sendMessage(
    phoneList=["13800138000"], params={"code": "123456"}, verifyTemplateCode="SMS_123456789"
)
"""

with TemporaryRedis() as server, redis.Redis.from_url(server.url) as client:
    subprocess.run([sys.argv[1], "-P", "-c", SEND, server.url], cwd="/", check=True)
    if client.llen("sms.notification") != 1:
        sys.exit("A plain install records a job and cannot publish it")
print("a plain install sends")
