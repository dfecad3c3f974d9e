"""An application of somebody else's, with a Celery app and a task of its own that is told of events."""

import json
import os

import redis
from celery import Celery

__all__ = ["EVENTS", "QUEUE", "TASK", "app"]

TASK = "shop.on_sms_event"
QUEUE = "shop.sms"
#: Where the task writes down what it is told.
EVENTS = "shop:events"

app = Celery("shop", broker=os.environ.get("SMS_BROKER_URL", "memory://"), set_as_current=False, fixups=[])
app.conf.broker_connection_retry_on_startup = True


@app.task(name=TASK, shared=False)
def on_sms_event(event: dict[str, object]) -> None:
    """Write the event down, under the id of the task."""
    with redis.Redis.from_url(os.environ["SHOP_REDIS_URL"]) as client:
        client.rpush(EVENTS, json.dumps([on_sms_event.request.id, event]))
