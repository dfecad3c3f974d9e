-- Stands before every other script.
--
-- The ledger's keys:
--   sms:job:<id>        hash    one entry a job; its fields are described in ../entry.py
--   sms:agenda          zset    job id by the time (ms) at which the sweep has to look at it next
--   sms:key:<digest>    string  "<job id> <payload digest>" of an idempotency key
--
-- All times are milliseconds of Redis's own clock, so that no two workers can disagree; a test hands its own in.

local SETTLED = {accepted = true, rejected = true, not_sent = true, unknown = true}

local function now_ms(given)
  local now = tonumber(given)
  if now and now > 0 then return now end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function num(text) return tonumber(text) or 0 end

-- Milliseconds as whole digits: Lua's own number-to-text conversion would write 1.7e+12.
local function ms(number) return string.format('%.0f', number) end

-- A claimed job whose lease ran out: its worker died, or was paused, somewhere between claim and settle. Whether a
-- request left is not known, so one is assumed to have left, at any time between the claim and now.
local function interrupt(job, state, claimed, lost_from, now)
  local from = claimed
  if lost_from > 0 and lost_from < claimed then from = lost_from end
  if state == 'sending' then
    redis.call('HINCRBY', job, 'attempts', 1)
    redis.call('HSET', job, 'lost_from', ms(from), 'lost_to', ms(now))
  end
  redis.call('HSET', job, 'state', 'looking_up', 'token', '', 'due', ms(now), 'looks', 0, 'interrupted', 1)
end

-- A job's final outcome. Its numbers and parameters leave Redis with this step, and nobody holds it any more.
local function write_outcome(job, agenda, id, token, state, outcome, keep, store_at)
  redis.call('HSET', job, 'state', state, 'outcome', outcome, 'settled_by', token, 'token', '')
  redis.call('HDEL', job, 'job', 'lease', 'claimed', 'due', 'expires', 'requeue', 'looks', 'released', 'lost_from',
    'lost_to', 'resent', 'interrupted', 'attempts')
  redis.call('PEXPIRE', job, keep)
  if store_at then
    redis.call('ZADD', agenda, ms(store_at), id)
  else
    redis.call('ZREM', agenda, id)
  end
end
