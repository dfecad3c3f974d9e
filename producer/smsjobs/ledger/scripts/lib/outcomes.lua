-- What is written of a job that ends.
-- include ledger/jobs, events/stream

-- The delay (ms) of the last pull by default. By it ends what a receipt settled, for its numbers are gone then.
local LAST_PULL = 259200000

-- For how long (ms) what is asked about is kept after the last pull, so that what it found can be seen.
local SEEN_FOR = 3600000

-- Write a job's final outcome. This removes its numbers and parameters from Redis, and nobody holds the job any more.
-- The agenda comes first: if it is damaged, nothing is written, and the step can be repeated.
-- halved is true for a refused chunk whose halves are sent in its place.
local function write_outcome(id, token, state, outcome, keep, store_at, halved)
  local job = job_key(id)
  local told = is_followed() and fields(job, 'state', 'element', 'lane', 'campaign')
  if store_at then
    redis.call('ZADD', agenda_key(), ms(store_at), id)
  else
    redis.call('ZREM', agenda_key(), id)
  end
  redis.call('HSET', job, 'state', state, 'outcome', outcome, 'settled_by', token, 'token', '')
  redis.call('HDEL', job, 'job', 'lease', 'claimed', 'due', 'expires', 'requeue', 'looks', 'released', 'lost_from',
    'lost_to', 'resent', 'interrupted', 'attempts', 'label')
  if state == REJECTED or state == NOT_SENT then redis.call('HDEL', job, 'delivery') end
  redis.call('PEXPIRE', job, keep)
  if told then
    tell_event('job.settled', 'job', id, 'element', told.element or '', 'lane', told.lane or '', 'campaign',
      told.campaign or '', 'before', told.state or '', 'halved', halved and 1 or 0, 'outcome', outcome)
  end
end

-- Until when somebody waits about whom nobody is asked: until the last pull would have been; until an hour before the outcome
-- leaves Redis at the latest, so that it can be seen.
local function waits_until(now, last, keep) return now + math.min(last, keep - math.min(SEEN_FOR, keep / 2)) end

-- Nobody is asked about a job: what waits too long is unreported to whoever reads it. delivery is what the entry has of its
-- deliveries.
local function end_unasked(id, delivery, last, keep, now)
  local ends = waits_until(now, last, keep)
  redis.call('HSET', job_key(id), 'delivery', (string.gsub(delivery, '^[^;@]*', '%0@' .. math.ceil(ends / 1000), 1)))
end
