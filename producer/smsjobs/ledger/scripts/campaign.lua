-- Stands after common.lua before every script that touches a campaign.
--
-- A campaign's keys. None of them is one recipient's:
--   sms:campaign:<id>            hash    its facts and counters; its fields are described in ../../campaign/store.py
--   sms:campaign:<id>:pages      hash    page number -> "<digest> <first chunk> <chunks> <skipped rows, packed>"
--   sms:campaign:<id>:rows       hash    chunk number -> lines and phones, packed
--   sms:campaign:<id>:params     hash    chunk number -> parameters of each recipient, packed; gone once it is settled
--   sms:campaign:<id>:pending    list    "<chunk number>:<recipients>" of chunks that are no jobs yet, or again
--   sms:campaign:<id>:active     set     the same of chunks that are jobs without an outcome
--   sms:campaign:<id>:outcomes   hash    chunk number -> outcome JSON
--   sms:campaign:<id>:codes      hash    Aliyun's code or our reason -> recipients
--   sms:campaigns                zset    id by the time of its creation
--   sms:campaigns:open           set     ids of those that have chunks to be sent

-- When a chunk that was a job and is pending again is due, and when it expires: never by itself.
local NEVER = '9000000000000000'

local function campaign_key(id) return 'sms:campaign:' .. id end

-- The id of a chunk's job, which is its OutId too; Python's `chunk_id` makes the same. The generation is the moment of the
-- campaign's creation: its id alone is that of any campaign of its name, and an earlier one's jobs may be kept for longer
-- than the campaign was.
local function chunk_id(id, generation, n) return id .. '-' .. generation .. '-' .. n end

local function split_chunk(chunk)
  local n, size = string.match(chunk, '^(%d+):(%d+)$')
  return n, tonumber(size)
end

-- Aliyun takes promotional messages from 8:00 to 20:00 in Beijing, which has no summer time. Half a minute before the
-- end no request is begun, for it may be under way that long.
local function in_hours(now)
  local time_of_day = (now + 8 * 3600000) % 86400000
  return time_of_day >= 8 * 3600000 and time_of_day < 20 * 3600000 - 30000
end

-- Whether a chunk may be sent now: "go", "hold" or "cancelled".
local function campaign_says(id, now)
  local f = redis.call('HMGET', campaign_key(id), 'state', 'paused', 'at', 'promotional')
  if not f[1] or f[1] == 'cancelled' then return 'cancelled' end
  if f[1] ~= 'running' or (f[2] and f[2] ~= '') or num(f[3]) > now then return 'hold' end
  if f[4] == '1' and not in_hours(now) then return 'hold' end
  return 'go'
end

-- A sign of life of a planner. The plan belongs to whoever began it, until that one has died and another goes on: only the
-- owner gives it up. A campaign waits for any of them.
local function keep_planning(id, now, planner, lease)
  local key = campaign_key(id)
  local f = redis.call('HMGET', key, 'state', 'planned', 'ended', 'owner', 'owner_lives')
  if not f[1] or f[2] or f[3] then return false end
  local lives = ms(now + lease)
  redis.call('HSET', key, 'planner', lives)
  if f[4] == planner or num(f[5]) <= now then redis.call('HSET', key, 'owner', planner, 'owner_lives', lives) end
  return true
end

-- Whether nothing is left to be done. Then the report is kept for a while, and the parameters go at once. What it
-- counts is final from here on: a cancelled campaign whose file is being read has not ended.
local function end_campaign(id, now)
  local key = campaign_key(id)
  local f = redis.call('HMGET', key, 'state', 'keep', 'ended', 'planned', 'planner')
  if (f[1] ~= 'running' and f[1] ~= 'cancelled') or f[3] then return end
  if not f[4] and num(f[5]) > now then return end
  if redis.call('LLEN', key .. ':pending') > 0 or redis.call('SCARD', key .. ':active') > 0 then return end
  if f[1] == 'running' then redis.call('HSET', key, 'state', 'finished', 'paused', '') end
  redis.call('HSET', key, 'ended', ms(now))
  redis.call('SREM', 'sms:campaigns:open', id)
  redis.call('DEL', key .. ':params')
  redis.call('PEXPIRE', key, f[2])
  for _, part in ipairs({'pages', 'rows', 'outcomes', 'codes'}) do
    redis.call('PEXPIRE', key .. ':' .. part, f[2])
  end
end

-- Count a chunk's outcome, once.
local function count_chunk(id, chunk, state, label, outcome, now)
  local key = campaign_key(id)
  local n, size = split_chunk(chunk)
  if redis.call('EXISTS', key) == 0 or redis.call('HSETNX', key .. ':outcomes', n, outcome) == 0 then return end
  redis.call('HINCRBY', key, state, size)
  redis.call('HINCRBY', key .. ':codes', label, size)
  redis.call('HDEL', key .. ':params', n)
  -- A holder whose claim had run out may bring an acceptance when the chunk is pending again.
  if redis.call('SREM', key .. ':active', chunk) == 0 then redis.call('LREM', key .. ':pending', 1, chunk) end
  end_campaign(id, now)
end

-- Make a job pending again: nothing of it was sent, and nobody holds it.
local function park_chunk(job, agenda, job_id, id, chunk)
  local key = campaign_key(id)
  redis.call('HSET', job, 'state', 'queued', 'token', '', 'due', NEVER, 'expires', NEVER, 'looks', 0)
  redis.call('ZREM', agenda, job_id)
  if redis.call('SREM', key .. ':active', chunk) == 1 then redis.call('LPUSH', key .. ':pending', chunk) end
end

-- Settle a job of a cancelled campaign of which nothing was sent and which nobody holds. Returns its outcome.
local function cancel_chunk(job, agenda, job_id, id, chunk, attempts, now)
  local outcome = string.format('{"error": {"attempts": %d, "class": "RequestFailed", "code": 46003, "message": '
    .. '"the campaign was cancelled before this was sent", "out_id": "%s", "outcome": "not_sent", "reason": '
    .. '"cancelled"}, "outcome": "not_sent", "v": 1}', attempts, job_id)
  local keep = redis.call('HGET', campaign_key(id), 'keep') or '60000'
  write_outcome(job, agenda, job_id, '', 'not_sent', outcome, keep, now)
  count_chunk(id, chunk, 'not_sent', 'cancelled', outcome, now)
  return outcome
end
