"""The mutants: single mistakes, each of which at least one test must notice.

When code moves, its rows move with it: `file` and `old` are plain text, and `old` stands in the file once. A rewrite
keeps a row's name and expresses the same mistake in the new code. `python tests/mutants --check` tells which rows no
longer fit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MUTANTS", "Mutant"]


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One mistake."""

    #: What the code does wrong, in words that outlive a rewrite.
    name: str
    #: The file, from the project's root.
    file: str
    #: Text that stands there once.
    old: str
    #: What takes its place.
    new: str
    #: Test files that are tried first, from the project's root.
    likely: Sequence[str]


STEPS = "tests/integration/ledger/test_steps.py"
SENDING = "tests/integration/campaign/test_sending.py"
HALVES = "tests/integration/campaign/test_halves.py"
RUN = "tests/unit/worker/test_run.py"
SENDER = "tests/unit/worker/test_sender.py"
SCHEDULE = "tests/unit/worker/test_schedule.py"
CODES = "tests/integration/verification/test_codes.py"
LIMITS = "tests/integration/verification/test_limits.py"
IN_REDIS = "tests/integration/steering/test_in_redis.py"
GROUP = "tests/unit/worker/test_group.py"

GROUPS = (
    Mutant(
        name="claim gives a job back to whoever lost it, for a member",
        file="producer/smsjobs/ledger/scripts/claim.lua",
        old="if member ~= '' and f.token ~= token then return {'in_flight'} end\n",
        new="",
        likely=(STEPS,),
    ),
    Mutant(
        name="claim forgets the member of a worker that died",
        file="producer/smsjobs/ledger/scripts/claim.lua",
        old="    read(f, job, 'member')\n",
        new="",
        likely=(STEPS,),
    ),
    Mutant(
        name="a group moves on after a lost answer",
        file="worker/smsjobs_worker/sending/group.py",
        old="        if isinstance(failure, AnswerLost):\n            return failure\n",
        new="",
        likely=(GROUP, "tests/faults/test_group.py"),
    ),
    Mutant(
        name="a group looks a lost answer up at any member",
        file="worker/smsjobs_worker/sending/group.py",
        old="        if member is not None:\n            asked =",
        new="        if False:\n            asked =",
        likely=(GROUP,),
    ),
    Mutant(
        name="a request is made before its member is written down",
        file="worker/smsjobs_worker/sending/run.py",
        old="            self._write_member(provider.member)\n",
        new="",
        likely=(RUN,),
    ),
)

LEDGER = (
    Mutant(
        name="claim takes a job that another worker holds",
        file="producer/smsjobs/ledger/scripts/claim.lua",
        old="    if num(f.lease) > now then return {'in_flight'} end\n",
        new="",
        likely=(STEPS,),
    ),
    Mutant(
        name="record lets a key pass that has another payload",
        file="producer/smsjobs/ledger/scripts/record.lua",
        old="holder_digest == digest and 'exists' or 'conflict'",
        new="'exists'",
        likely=("tests/integration/ledger/test_keys.py",),
    ),
    Mutant(
        name="settle ignores a foreign token",
        file="producer/smsjobs/ledger/scripts/settle.lua",
        old="if f.token ~= token and state ~= ACCEPTED then return {'fenced'} end\n",
        new="",
        likely=(STEPS,),
    ),
    Mutant(
        name="settlement leaves the numbers in Redis",
        file="producer/smsjobs/ledger/scripts/lib/outcomes.lua",
        old="redis.call('HDEL', job, 'job', 'lease',",
        new="redis.call('HDEL', job, 'lease',",
        likely=(STEPS,),
    ),
    Mutant(
        name="sweep looks at equal distances instead of doubling ones",
        file="producer/smsjobs/ledger/scripts/sweep.lua",
        old="now + requeue * 2 ^ math.min(looks, 12)",
        new="now + requeue",
        likely=("tests/integration/ledger/test_sweep.py",),
    ),
    Mutant(
        name="interruption forgets an earlier lost answer",
        file="producer/smsjobs/ledger/scripts/lib/jobs.lua",
        old="    if lost_from > 0 and lost_from < from then from = lost_from end\n",
        new="",
        likely=(STEPS,),
    ),
    Mutant(
        name="renew extends the lease of whoever holds the job",
        file="producer/smsjobs/ledger/scripts/renew.lua",
        old="redis.pcall('HGET', job_key(id), 'token') == token",
        new="(redis.pcall('HGET', job_key(id), 'token') or '') ~= ''",
        likely=(STEPS,),
    ),
    Mutant(
        name="a stale holder gives back a job that another worker holds",
        file="producer/smsjobs/ledger/scripts/wait.lua",
        old="if f.token ~= token or SETTLED[f.state] then return {'fenced'} end",
        new="if not is_held(f) or SETTLED[f.state] then return {'fenced'} end",
        likely=(STEPS,),
    ),
)

WORKER = (
    Mutant(
        name="a value of one recipient's own pauses the campaign",
        file="worker/smsjobs_worker/sending/run.py",
        old='stops == "always" or (stops == "same_text" and not own_texts)',
        new='stops in ("always", "same_text")',
        likely=("tests/unit/campaign/test_worker_side.py",),
    ),
    Mutant(
        name="an overtaken worker reports its own outcome",
        file="worker/smsjobs_worker/sending/sender.py",
        old="""\
        if not settlement.ours:
            return self._ended(granted.job_id, settlement.outcome, settlement.followers)
""",
        new="",
        likely=(SENDER,),
    ),
    Mutant(
        name="a request is made after the lease ran out",
        file="worker/smsjobs_worker/sending/run.py",
        old="""\
        if not self.holds():
            raise _Abandoned
""",
        new="",
        likely=(RUN,),
    ),
    Mutant(
        name="a lost answer is resent again and again",
        file="worker/smsjobs_worker/sending/run.py",
        old='if self.job.on_unknown == "resend" and not self.granted.resent and self._left_s() > 0:',
        new='if self.job.on_unknown == "resend" and self._left_s() > 0:',
        likely=(RUN,),
    ),
    Mutant(
        name="sweep confirms a result that was not stored",
        file="worker/smsjobs_worker/sending/sweep.py",
        old="""\
        if self._results.store_at_once(job_id, outcome, followers):
            self._ledger.confirm_stored(job_id)
""",
        new="""\
        self._results.store_at_once(job_id, outcome, followers)
        self._ledger.confirm_stored(job_id)
""",
        likely=("tests/unit/worker/test_sweep.py",),
    ),
    Mutant(
        name="look-up leaves out the last day",
        file="worker/smsjobs_worker/aliyun/beijing.py",
        old="range((last - first).days + 1)",
        new="range(max(1, (last - first).days))",
        likely=("tests/unit/aliyun/test_beijing.py",),
    ),
    Mutant(
        name="a look-up that comes early is made twice",
        file="worker/smsjobs_worker/sending/schedule.py",
        old="if offset > elapsed_s + _SAME_MOMENT_S)",
        new="if offset > elapsed_s)",
        likely=(SCHEDULE,),
    ),
    Mutant(
        name="a lease begins with the answer to the claim",
        file="worker/smsjobs_worker/sending/leases.py",
        old="lease = Lease(granted, until=claimed_at + self._lease_s)",
        new="lease = Lease(granted, until=time.monotonic() + self._lease_s)",
        likely=(SENDER,),
    ),
    Mutant(
        name="a failed look-up counts as absent",
        file="worker/smsjobs_worker/sending/look_up.py",
        old="""\
    if failure is not None:
        raise failure
""",
        new="",
        likely=(RUN,),
    ),
)

ALIYUN = (
    Mutant(
        name="an unlisted code with HTTP 408 is a refusal",
        file="worker/smsjobs_worker/aliyun/mapping.py",
        old="not 400 <= status < 500 or status == 408 or request_id is None",
        new="not 400 <= status < 500 or request_id is None",
        likely=("tests/unit/aliyun/test_mapping.py",),
    ),
    Mutant(
        name="Aliyun's milliseconds are taken for seconds",
        file="worker/smsjobs_worker/aliyun/mapping.py",
        old="retry_after = wait_ms / 1000 if",
        new="retry_after = wait_ms if",
        likely=("tests/unit/aliyun/test_mapping.py", "tests/integration/aliyun/test_send.py"),
    ),
    Mutant(
        name="any broken encryption counts as not sent",
        file="worker/smsjobs_worker/aliyun/mapping.py",
        old="if any(_is_bad_certificate(each) for each in _reasons(cause)):",
        new="if _reasons(cause):",
        likely=("tests/unit/aliyun/test_mapping.py", "tests/integration/aliyun/test_send.py"),
    ),
    Mutant(
        name="a failure inside Aliyun is sent again without a look-up",
        file="worker/smsjobs_worker/aliyun/codes.py",
        old='        ended="answer_lost",\n',
        new='        ended="not_sent",\n',
        likely=("tests/unit/aliyun/test_mapping.py", "tests/unit/aliyun/test_codes.py"),
    ),
)

CAMPAIGN = (
    Mutant(
        name="a chunk is halved although all of it got the text that was refused",
        file="worker/smsjobs_worker/sending/run.py",
        old='(blamed == "values" and bool(message.params_of_each))',
        new='blamed == "values"',
        likely=("tests/unit/campaign/test_worker_side.py",),
    ),
    Mutant(
        name="a halved chunk's parameters go with its first half",
        file="producer/smsjobs/ledger/scripts/lib/campaigns.lua",
        old="redis.call('HINCRBY', campaign .. ':left', number, -size) > 0",
        new="false",
        likely=(HALVES,),
    ),
    Mutant(
        name="halves of a cancelled campaign's chunk are sent",
        file="producer/smsjobs/ledger/scripts/lib/campaigns.lua",
        old="  if redis.call('HGET', campaign, 'state') == CANCELLED then\n    count_cancelled",
        new="  if false then\n    count_cancelled",
        likely=(HALVES,),
    ),
    Mutant(
        name="the odd recipient of a halved chunk is in the other half",
        file="producer/smsjobs/ledger/scripts/lib/campaigns.lua",
        old="math.ceil(size / 2)",
        new="math.floor(size / 2)",
        likely=(HALVES,),
    ),
    Mutant(
        name="a group of exactly one batch joins the others",
        file="producer/smsjobs/campaign/pages.py",
        old="if alone or len(part) >= MAX_BATCH:",
        new="if alone or len(part) > MAX_BATCH:",
        likely=("tests/unit/campaign/test_pages.py",),
    ),
    Mutant(
        name="cancel settles a chunk that may have been sent",
        file="producer/smsjobs/campaign/scripts/cancel.lua",
        old="if f.state == QUEUED and num(f.lost_from) == 0 then",
        new="if f.state == QUEUED then",
        likely=(SENDING,),
    ),
    Mutant(
        name="a pause by hand hides why the campaign paused itself",
        file="producer/smsjobs/campaign/scripts/pause.lua",
        old="if reason == '' or f.paused == '' then",
        new="if true then",
        likely=(SENDING,),
    ),
    Mutant(
        name="promotional chunks begin in the last half minute",
        file="producer/smsjobs/contract/promotional.py",
        old="to_s=20 * 3600 - 30",
        new="to_s=20 * 3600",
        likely=(SENDING,),
    ),
)

VERIFICATION = (
    Mutant(
        name="a code takes one wrong try too many",
        file="producer/smsjobs/verification/scripts/check.lua",
        old="if tries >= most then return {'too_many_tries', 0} end",
        new="if tries > most then return {'too_many_tries', 0} end",
        likely=(CODES,),
    ),
    Mutant(
        name="the right code leaves the other secret's code alive",
        file="producer/smsjobs/verification/scripts/check.lua",
        old="for _, each in ipairs(codes) do redis.call('DEL', each) end",
        new="redis.call('DEL', codes[which])",
        likely=(CODES, "tests/integration/verification/test_any_order.py"),
    ),
    Mutant(
        name="the day of an address begins at midnight in UTC",
        file="producer/smsjobs/verification/scripts/lib/codes.lua",
        old="length = DAY, shift = BEIJING",
        new="length = DAY, shift = 0",
        likely=(LIMITS,),
    ),
    Mutant(
        name="a late confirmation confirms the next send",
        file="producer/smsjobs/verification/scripts/confirm.lua",
        old="if f.salt ~= salt or f.pending ~= send then return 0 end",
        new="if f.salt ~= salt then return 0 end",
        likely=("tests/integration/verification/test_hand_over.py",),
    ),
    Mutant(
        name="mainland numbers with 19 have no country",
        file="producer/smsjobs/contract/phones.py",
        old='_MAINLAND: Final = re.compile("1[3-9][0-9]{9}", re.ASCII)',
        new='_MAINLAND: Final = re.compile("1[3-8][0-9]{9}", re.ASCII)',
        likely=("tests/unit/contract/test_phones.py",),
    ),
)

#: All of them.
WRITTEN = "tests/integration/events/test_written.py"
HOOK = "tests/unit/events/test_hook.py"
HANDED_OVER = "tests/integration/worker/test_events.py"

EVENTS = (
    Mutant(
        name="the stream of events is not bounded",
        file="producer/smsjobs/events/scripts/lib/stream.lua",
        old="'MAXLEN', '~', MOST_EVENTS, ",
        new="",
        likely=(WRITTEN,),
    ),
    Mutant(
        name="a damaged stream stops a settlement",
        file="producer/smsjobs/events/scripts/lib/stream.lua",
        old="redis.pcall('XADD'",
        new="redis.call('XADD'",
        likely=(WRITTEN,),
    ),
    Mutant(
        name="a campaign that is paused twice is told twice",
        file="producer/smsjobs/campaign/scripts/pause.lua",
        old="if f.paused ~= reason then tell_campaign(id) end",
        new="tell_campaign(id)",
        likely=(WRITTEN,),
    ),
    Mutant(
        name="an answer that was cut off in its headers counts as taken",
        file="producer/smsjobs/events/hook.py",
        old="        if time.monotonic() >= until:\n",
        new="        if False:\n",
        likely=(HOOK,),
    ),
    Mutant(
        name="an event that was handed over is not done",
        file="worker/smsjobs_worker/following/events.py",
        old="            self._streams.done(self.name, [entry for entry, _ in events])\n\n\nclass Webhook",
        new="            del events\n\n\nclass Webhook",
        likely=(HANDED_OVER,),
    ),
    Mutant(
        name="an address that is down gets as many requests as before",
        file="worker/smsjobs_worker/following/events.py",
        old="return not (self.stopping() or self._hook.is_resting)",
        new="return not self.stopping()",
        likely=(HANDED_OVER,),
    ),
)

STEERING = (
    Mutant(
        name="cancel takes a job that a worker holds",
        file="producer/smsjobs/steering/scripts/cancel.lua",
        old="if is_held(f) or f.state ~= QUEUED",
        new="if f.state ~= QUEUED and f.state ~= SENDING",
        likely=(IN_REDIS,),
    ),
    Mutant(
        name="cancel takes a job whose answer was lost",
        file="producer/smsjobs/steering/scripts/cancel.lua",
        old=" or num(f.lost_from) > 0 then",
        new=" then",
        likely=(IN_REDIS,),
    ),
    Mutant(
        name="a job is sent again as often as it is asked",
        file="producer/smsjobs/steering/scripts/retry.lua",
        old="if f.retried_as then return",
        new="if f.retried_as == id then return",
        likely=(IN_REDIS,),
    ),
    Mutant(
        name="the idempotency key stays with the job that was sent again",
        file="producer/smsjobs/steering/scripts/retry.lua",
        old="if holder == of then redis.call('SET', key, id .. ' ' .. digest) end\n",
        new="",
        likely=("tests/integration/steering/test_jobs.py",),
    ),
    Mutant(
        name="the payload of what may have been sent is kept",
        file="producer/smsjobs/ledger/scripts/lib/failed.lua",
        old="  if state == UNKNOWN then return end\n",
        new="",
        likely=(IN_REDIS,),
    ),
    Mutant(
        name="the list of what failed grows for ever",
        file="producer/smsjobs/ledger/scripts/sweep.lua",
        old="forget_failures(now - num(keep))\n",
        new="",
        likely=(IN_REDIS,),
    ),
)

FOLLOWING = "tests/unit/worker/test_following_queues.py"
RESEND = "tests/integration/delivery/test_resend.py"
PULL = "tests/integration/delivery/test_pull.py"

QUEUES = (
    Mutant(
        name="a queue's message is deleted though Redis did not take it",
        file="worker/smsjobs_worker/following/queues.py",
        old="""            self._take([each.body for each in messages])
        except RedisError:
            raise
""",
        new="""            self._take([each.body for each in messages])
        except RedisError:
            queue.delete(messages)
""",
        likely=(FOLLOWING,),
    ),
    Mutant(
        name="one bad message of a queue holds the others up",
        file="worker/smsjobs_worker/following/queues.py",
        old="            self._settle_each(queue, messages)\n        else:",
        new="            raise\n        else:",
        likely=(FOLLOWING,),
    ),
    Mutant(
        name="a token for a queue is used until it expires",
        file="worker/smsjobs_worker/aliyun/queues.py",
        old="return max(lifetime_s - _RENEW_BEFORE_S, lifetime_s / 2)",
        new="return lifetime_s",
        likely=("tests/integration/aliyun/test_queues.py",),
    ),
    Mutant(
        name="a resend forgets whom an earlier one has sent to",
        file="producer/smsjobs/campaign/resend.py",
        old="            sent_to |= {",
        new="            _ = {",
        likely=(RESEND,),
    ),
    Mutant(
        name="a campaign that still sends is resent",
        file="producer/smsjobs/campaign/resend.py",
        old="    if not before.ended:\n",
        new="    if False:\n",
        likely=(RESEND,),
    ),
    Mutant(
        name="who was not asked about is given up",
        file="producer/smsjobs/delivery/scripts/pulled.lua",
        old="if everybody == '1' then",
        new="if true then",
        likely=(PULL,),
    ),
    Mutant(
        name="who was left out of a chunk is asked about",
        file="producer/smsjobs/delivery/store.py",
        old="place is not None and place not in left_out and",
        new="place is not None and",
        likely=(PULL,),
    ),
)

NODES = "tests/integration/redis_store/test_cluster_nodes.py"

CLUSTER = (
    Mutant(
        name="a script runs on the half of a slot that a node still has",
        file="producer/smsjobs/redis_store/cluster.py",
        old='    guard = f"sms:whole:{{{_hash_tag(_word(command[3]))}}}"\n',
        new="    guard = _word(command[3])\n",
        likely=(NODES,),
    ),
    Mutant(
        name="a command of a Cluster whose answer was lost is repeated",
        file="producer/smsjobs/redis_store/cluster.py",
        old="                self._nodes.forget(place)\n                raise\n",
        new="                continue\n",
        likely=(NODES,),
    ),
    Mutant(
        name="a slot that has moved is not followed",
        file="producer/smsjobs/redis_store/cluster.py",
        old="                self._nodes.moved(error.slot_id, _place(error, place))\n",
        new="",
        likely=(NODES,),
    ),
    Mutant(
        name="a node that is unreachable stops the sweep of the others",
        file="producer/smsjobs/ledger/ledger.py",
        old="                if not is_transient(error):\n                    raise\n                failure = error\n",
        new="                raise\n",
        likely=(NODES,),
    ),
)

TRACES = (
    Mutant(
        name="an error of a tracing system stops a job",
        file="producer/smsjobs/traces/enqueueing.py",
        old="    with suppress(Exception):\n        _spans().end(",
        new="    if True:\n        _spans().end(",
        likely=("tests/integration/producer/test_traces.py",),
    ),
    Mutant(
        name="other people's instrumentation sees requests to Aliyun",
        file="worker/smsjobs_worker/aliyun/client.py",
        old="            with unseen():\n",
        new="            if True:\n",
        likely=("tests/acceptance/test_traces.py",),
    ),
    Mutant(
        name="a span tells what a Type of one's own answered",
        file="worker/smsjobs_worker/watching/spans.py",
        old="return None if aliyun_code is None else bounded(aliyun_code)",
        new="return aliyun_code",
        likely=("tests/unit/worker/test_spans.py",),
    ),
)

SPEED = (
    Mutant(
        name="an answer that was cut off is taken for whole",
        file="worker/smsjobs_worker/aliyun/wire.py",
        old="        if not received and not answer.until_closed:\n",
        new="        if False:\n",
        likely=("tests/unit/aliyun/test_wire.py",),
    ),
    Mutant(
        name="a connection with something behind the answer is used again",
        file="worker/smsjobs_worker/aliyun/wire.py",
        old="            self.kept = False\n        else:\n",
        new="            pass\n        else:\n",
        likely=("tests/unit/aliyun/test_wire.py",),
    ),
    Mutant(
        name="a header ends where its value says so",
        file="worker/smsjobs_worker/aliyun/wire.py",
        old='    if any("\\r" in each or "\\n" in each for each in lines):\n',
        new="    if False:\n",
        likely=("tests/unit/aliyun/test_wire.py",),
    ),
    Mutant(
        name="an answer has no bound",
        file="worker/smsjobs_worker/aliyun/wire.py",
        old="        if size > _MOST_BYTES:\n",
        new="        if False:\n",
        likely=("tests/unit/aliyun/test_wire.py",),
    ),
    Mutant(
        name="what was surely not sent is not tried again",
        file="worker/smsjobs_worker/retry.py",
        old="    if not isinstance(first.error, NotSent):\n",
        new="    if True:\n",
        likely=("tests/unit/test_retry.py",),
    ),
    Mutant(
        name="all threads ask again at once who is suppressed",
        file="producer/smsjobs/redis_store/shared_secret.py",
        old="            yield alone or age_s >= BELIEVED_S\n",
        new="            yield age_s >= BELIEVED_S / 2\n",
        likely=("tests/unit/redis_store/test_one_asks.py",),
    ),
    Mutant(
        name="who is suppressed is believed for ever while one asks",
        file="producer/smsjobs/redis_store/shared_secret.py",
        old="            yield alone or age_s >= BELIEVED_S\n",
        new="            yield alone\n",
        likely=("tests/unit/redis_store/test_one_asks.py",),
    ),
    Mutant(
        name="Celery's result has a field of another name",
        file="worker/smsjobs_worker/process/results.py",
        old='            "date_done": datetime.now(UTC).isoformat(),\n',
        new='            "done": datetime.now(UTC).isoformat(),\n',
        likely=("tests/unit/worker/test_celery_app.py",),
    ),
    Mutant(
        name="what is not kept any more stays in the list of campaigns",
        file="producer/smsjobs/campaign/scripts/create.lua",
        old="  if each ~= id and redis.call('EXISTS', campaign_key(each)) == 0 then",
        new="  if false then",
        likely=("tests/integration/campaign/test_planning.py",),
    ),
    Mutant(
        name="a sign that Aliyun refuses counts as plain",
        file="producer/smsjobs/campaign/values.py",
        old="[0-9A-Za-z\\u4e00-\\u9fff]{{1,{MAX_VALUE}}}",
        new="[0-9A-Za-z\\u2600-\\u9fff]{{1,{MAX_VALUE}}}",
        likely=("tests/unit/campaign/test_recipients.py",),
    ),
)

MUTANTS = (
    *LEDGER,
    *GROUPS,
    *CLUSTER,
    *WORKER,
    *ALIYUN,
    *CAMPAIGN,
    *VERIFICATION,
    *EVENTS,
    *STEERING,
    *QUEUES,
    *TRACES,
    *SPEED,
)
