"""The parts of a worker, put together once a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisError

from smsjobs.contract import LANES
from smsjobs.delivery import DeliveryStore
from smsjobs.events import EventStreams
from smsjobs.ledger import Ledger, Places
from smsjobs.offers import Offers
from smsjobs.redis_store import connect_redis
from smsjobs.replies import LastJobs
from smsjobs.suppression import Feeding, SuppressedNumbers
from smsjobs.templates import TemplateStore
from smsjobs_worker.elements import App
from smsjobs_worker.following.events import EventTask, Following, Webhook
from smsjobs_worker.following.pull import Pull
from smsjobs_worker.following.signatures import Sends
from smsjobs_worker.following.templates import Learning
from smsjobs_worker.process.broker import Broker
from smsjobs_worker.process.results import Results
from smsjobs_worker.sending.follow_up import FollowUp
from smsjobs_worker.sending.leases import Leases
from smsjobs_worker.sending.providers import Providers
from smsjobs_worker.sending.rate_limit import Permits
from smsjobs_worker.sending.sender import Sender
from smsjobs_worker.sending.suppressions import Suppressions
from smsjobs_worker.sending.sweep import Sweep

if TYPE_CHECKING:
    from celery import Celery

    from smsjobs_worker.process.settings import WorkerSettings

__all__ = ["Runtime"]

#: Seconds for one answer of Redis; steps of the ledger are repeated after it.
_REDIS_S: Final = 3.0


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What tasks and the sweep work with."""

    app: App
    ledger: Ledger
    broker: Broker
    results: Results
    sender: Sender
    sweep: Sweep
    #: None where deliveries are not pulled.
    pull: Pull | None
    #: What producers are told of templates.
    learning: Learning
    #: What is noted of signatures.
    sends: Sends
    #: Who is told of events.
    following: tuple[Following, ...]

    def subscribe(self) -> None:
        """Have events kept from now on for whoever is told of them. Where Redis is unreachable, the next pass does it."""
        if self.following:
            with suppress(RedisError, OSError):
                self.ledger.announce([each.fullName for each in self.app.elements()])
                for each in self.following:
                    each.subscribe()

    @classmethod
    def build(cls, celery: Celery, settings: WorkerSettings) -> Runtime:
        """Put the parts together. Nothing is connected yet."""
        connection = settings.connection
        ledger = Ledger(
            connect_redis(connection.redis_url, timeout_s=_REDIS_S, replicas=connection.replicas),
            retention_s=connection.retention_s,
            retryable_s=connection.retryable_s,
            seal=connection.seal,
        )
        app = App(settings.app_dir)
        broker = Broker(celery)
        results = Results(
            celery,
            patience_s=settings.patience_s,
            in_ledger=connection.result_backend == connection.redis_url,
        )
        # Numbers are kept for pulls where they are sealed, or where a setting permits it.
        pulls = settings.pull_qps > 0 and (connection.seal is not None or settings.pull_plain)
        providers = Providers(app)
        permits = Permits(connection.redis_url, timeout_s=_REDIS_S)
        numbers = SuppressedNumbers(ledger.redis, seal=connection.seal)
        feeding = Feeding(numbers=numbers, refused_scope=connection.suppress_refused)
        sender = Sender(
            ledger,
            providers,
            Leases(ledger, lease_s=settings.lease_s),
            permits,
            lanes=settings.lanes,
            lease_s=settings.lease_s,
            patience_s=settings.patience_s,
            result_of=results.entry,
            suppressions=Suppressions(numbers=numbers, ledger=ledger),
            follow_up=FollowUp(
                pulls_s=settings.pulls_s,
                pulls=pulls,
                pull_campaigns=settings.pull_campaigns,
                feeding=feeding,
                last_jobs=LastJobs(ledger.redis, seal=connection.seal) if settings.notes_jobs else None,
            ),
        )
        pull = Pull(
            DeliveryStore(ledger),
            Places(ledger.redis),
            providers,
            permits,
            schedule_s=settings.pulls_s,
            max_qps=settings.pull_qps,
            feeding=feeding,
        )
        elements = [each.fullName for each in app.elements()]
        offers = Offers(ledger.redis)
        templates = TemplateStore(ledger.redis)
        return cls(
            app=app,
            ledger=ledger,
            broker=broker,
            results=results,
            sender=sender,
            sweep=Sweep(
                ledger,
                broker,
                results,
                elements=elements,
                offer=lambda: offers.tell(elements, _lanes_of(celery)),
            ),
            pull=pull if pulls else None,
            learning=Learning(templates, elements, providers),
            sends=Sends(templates, elements, providers),
            following=tuple(_following(settings, ledger, broker)),
        )


def _following(settings: WorkerSettings, ledger: Ledger, broker: Broker) -> Iterator[Following]:
    streams = EventStreams(ledger.redis, seal=ledger.seal)
    if settings.events_task:
        task, queue = settings.events_task
        yield EventTask(streams, broker, task=task, queue=queue)
    if settings.webhook:
        yield Webhook(streams, settings.webhook)


def _lanes_of(celery: Celery) -> list[str]:
    """The lanes whose queues this worker reads."""
    return [lane.name for lane in LANES.values() if lane.queue in celery.amqp.queues.consume_from]
