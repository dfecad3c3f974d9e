-- A campaign's keys. None of them is one recipient's:
--   sms:{tag}:campaign:<id>            hash  its facts and counters; its fields are described in ../../campaign/store.py
--   sms:{tag}:campaign:<id>:pages      hash  page number -> "<digest> <first chunk> <chunks> <skipped rows, packed>"
--   sms:{tag}:campaign:<id>:rows       hash  chunk number -> lines and phones, packed
--   sms:{tag}:campaign:<id>:params     hash  chunk number -> parameters of each recipient, packed; gone once it is settled
--   sms:{tag}:campaign:<id>:pending    list  "<chunk number>:<recipients>" of chunks that are not jobs yet, or are again
--   sms:{tag}:campaign:<id>:active     set   the same of chunks that are jobs without an outcome
--   sms:{tag}:campaign:<id>:outcomes   hash  chunk number -> outcome
--   sms:{tag}:campaign:<id>:codes      hash  Aliyun's code or our reason -> recipients
--   sms:{tag}:campaigns                zset  id by the time of its creation
--   sms:{tag}:campaigns:open           set   ids of those that have chunks to be sent

local function all_campaigns() return ELEMENT .. ':campaigns' end

local function open_campaigns() return ELEMENT .. ':campaigns:open' end

-- When a chunk that was a job and is pending again is due, and when it expires: never by itself.
local NEVER = '9000000000000000'

local function campaign_key(id) return ELEMENT .. ':campaign:' .. id end

-- The id of a chunk's job, which is its OutId too; Python's `chunk_id` makes the same. The generation is the moment of
-- the campaign's creation: its id alone is that of any campaign of its name, and an earlier one's jobs may be kept for
-- longer than the campaign was.
local function chunk_id(campaign, generation, number) return campaign .. '-' .. generation .. '-' .. number end

local function split_chunk(chunk)
  local number, size = string.match(chunk, '^(%d+):(%d+)$')
  return number, tonumber(size)
end

local function in_promotional_hours(now)
  local time_of_day = (now + BEIJING) % 86400000
  return time_of_day >= PROMOTIONAL_FROM and time_of_day < PROMOTIONAL_TO
end

-- Whether a chunk may be sent now: "go", "hold" or "cancelled".
local function campaign_says(id, now)
  local f = fields(campaign_key(id), 'state', 'paused', 'at', 'promotional')
  if not f.state or f.state == CANCELLED then return 'cancelled' end
  if f.state ~= RUNNING or (f.paused and f.paused ~= '') or num(f.at) > now then return 'hold' end
  if f.promotional == '1' and not in_promotional_hours(now) then return 'hold' end
  return 'go'
end

-- A sign of life of a planner. The plan belongs to whoever began it, until that one has died and another goes on: only
-- the owner gives it up. A campaign waits for any of them.
local function keep_planning(id, now, planner, lease)
  local campaign = campaign_key(id)
  local f = fields(campaign, 'state', 'planned', 'ended', 'owner', 'owner_lives')
  if not f.state or f.planned or f.ended then return false end
  local lives = ms(now + lease)
  redis.call('HSET', campaign, 'planner', lives)
  if f.owner == planner or num(f.owner_lives) <= now then
    redis.call('HSET', campaign, 'owner', planner, 'owner_lives', lives)
  end
  return true
end

-- Whether nothing is left to be done. Then the report is kept for a while, and the parameters go at once. What it
-- counts is final from here on: a cancelled campaign whose file is being read has not ended.
local function end_campaign(id, now)
  local campaign = campaign_key(id)
  local f = fields(campaign, 'state', 'keep', 'ended', 'planned', 'planner')
  if (f.state ~= RUNNING and f.state ~= CANCELLED) or f.ended then return end
  if not f.planned and num(f.planner) > now then return end
  if redis.call('LLEN', campaign .. ':pending') > 0 or redis.call('SCARD', campaign .. ':active') > 0 then return end
  if f.state == RUNNING then redis.call('HSET', campaign, 'state', FINISHED, 'paused', '') end
  redis.call('HSET', campaign, 'ended', ms(now))
  redis.call('SREM', open_campaigns(), id)
  redis.call('DEL', campaign .. ':params')
  redis.call('PEXPIRE', campaign, f.keep)
  for _, part in ipairs({'pages', 'rows', 'outcomes', 'codes'}) do
    redis.call('PEXPIRE', campaign .. ':' .. part, f.keep)
  end
end

-- Count a chunk's outcome, once.
local function count_chunk(id, chunk, state, label, outcome, now)
  local campaign = campaign_key(id)
  local number, size = split_chunk(chunk)
  if redis.call('EXISTS', campaign) == 0 then return end
  if redis.call('HSETNX', campaign .. ':outcomes', number, outcome) == 0 then return end
  redis.call('HINCRBY', campaign, state, size)
  redis.call('HINCRBY', campaign .. ':codes', label, size)
  redis.call('HDEL', campaign .. ':params', number)
  -- A holder whose claim had run out may bring an acceptance when the chunk is pending again.
  if redis.call('SREM', campaign .. ':active', chunk) == 0 then
    redis.call('LREM', campaign .. ':pending', 1, chunk)
  end
  end_campaign(id, now)
end

-- Make a job pending again: nothing of it was sent, and nobody holds it.
local function park_chunk(job_id, id, chunk)
  local campaign = campaign_key(id)
  redis.call('HSET', job_key(job_id), 'state', QUEUED, 'token', '', 'due', NEVER, 'expires', NEVER, 'looks', 0)
  redis.call('ZREM', agenda_key(), job_id)
  if redis.call('SREM', campaign .. ':active', chunk) == 1 then redis.call('LPUSH', campaign .. ':pending', chunk) end
end

-- Settle a job of a cancelled campaign of which nothing was sent and which nobody holds. Returns its outcome in short;
-- Python's `outcome_json` writes it out.
local function cancel_chunk(job_id, id, chunk, attempts, now)
  local outcome = string.format('cancelled %d', attempts)
  local keep = redis.call('HGET', campaign_key(id), 'keep') or '60000'
  write_outcome(job_id, '', NOT_SENT, outcome, keep, now)
  count_chunk(id, chunk, NOT_SENT, 'cancelled', outcome, now)
  return outcome
end
