-- A campaign's keys. There is no key for a single recipient.
--   sms:{tag}:campaign:<id>            hash  its facts and counters; the fields are described in campaign/store.py
--   sms:{tag}:campaign:<id>:pages      hash  page number -> "<digest> <first chunk> <chunks> <skipped rows, packed>"
--   sms:{tag}:campaign:<id>:rows       hash  chunk number -> lines and phones, packed
--   sms:{tag}:campaign:<id>:params     hash  chunk number -> each recipient's parameters, packed; removed when settled
--   sms:{tag}:campaign:<id>:pending    list  "<chunk name>:<recipients>" of each chunk that has to become a job
--   sms:{tag}:campaign:<id>:active     set   the same for each chunk that is a job without an outcome
--   sms:{tag}:campaign:<id>:outcomes   hash  chunk name -> outcome, or "halved" if its halves have outcomes of their own
--   sms:{tag}:campaign:<id>:left       hash  number of a halved chunk -> its recipients without an outcome
--   sms:{tag}:campaign:<id>:left_out   hash  chunk name -> places of the recipients that its request leaves out: suppressed
--   sms:{tag}:campaign:<id>:codes      hash  Aliyun's code or our reason -> recipients
--   sms:{tag}:campaign:<id>:delivered  hash  chunk name -> a record of each recipient, see delivery/records.py
--   sms:{tag}:campaign:<id>:err_codes  hash  carrier's code -> recipients
--   sms:{tag}:campaigns                zset  campaign id by the time of its creation
--   sms:{tag}:campaigns:open           set   ids of campaigns that have chunks to send
--
-- A chunk's name is its number in the plan. Each half of a chunk adds a letter: the halves of 12 are 12a and 12b, those of
-- 12b are 12ba and 12bb. A half has its recipients and parameters under the number that it began with.
-- include ledger/outcomes

local function all_campaigns() return ELEMENT .. ':campaigns' end

local function open_campaigns() return ELEMENT .. ':campaigns:open' end

-- The due time and the expiry of a chunk that was a job and is pending again.
local NEVER = '9000000000000000'

local function campaign_key(id) return ELEMENT .. ':campaign:' .. id end

-- The id of a chunk's job, which is also its OutId. Python's `chunk_id` makes the same id.
-- The generation is the time of the campaign's creation. It is needed because a later campaign of the same name has the
-- same campaign id, and the jobs of the earlier one may still be kept.
local function chunk_id(campaign, generation, name) return campaign .. '-' .. generation .. '-' .. name end

local function split_chunk(chunk)
  local name, size = string.match(chunk, '^(%d+[ab]*):(%d+)$')
  return name, tonumber(size)
end

local function number_of(name) return string.match(name, '^%d+') end

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

-- Tell that the campaign's state has changed.
local function tell_campaign(id)
  if not is_followed() then return end
  local told = {'campaign.changed', 'campaign', id}
  local names = {'element', 'state', 'paused', 'at', 'ended', 'total', ACCEPTED, REJECTED, NOT_SENT, UNKNOWN}
  local f = fields(campaign_key(id), unpack(names))
  for _, name in ipairs(names) do
    told[#told + 1] = name
    told[#told + 1] = f[name] or ''
  end
  tell_event(unpack(told))
end

-- A planner's sign of life. The plan belongs to the planner that began it. If that planner dies, the next one to give a
-- sign becomes the owner. Only the owner may discard the plan, but a campaign waits for every living planner.
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

-- End the campaign if nothing is left to do. Its parameters are removed, and its report is kept for a while.
-- Its counts are final from then on. So a cancelled campaign has not ended while its file is being read.
local function end_campaign(id, now)
  local campaign = campaign_key(id)
  local f = fields(campaign, 'state', 'keep', 'ended', 'planned', 'planner', 'paused', 'total', ACCEPTED, REJECTED, NOT_SENT, UNKNOWN)
  if (f.state ~= RUNNING and f.state ~= CANCELLED) or f.ended then return end
  if not f.planned and num(f.planner) > now then return end
  if redis.call('LLEN', campaign .. ':pending') > 0 or redis.call('SCARD', campaign .. ':active') > 0 then return end
  -- A campaign that has nothing left to do although some recipients have no outcome is damaged.
  local left = num(f.total) - num(f[ACCEPTED]) - num(f[REJECTED]) - num(f[NOT_SENT]) - num(f[UNKNOWN])
  if f.state == RUNNING and left > 0 then
    local reason = string.format('damaged: %d recipients are in no chunk; see smsjobs set-aside list', left)
    if f.paused == '' then
      redis.call('HSET', campaign, 'paused', reason)
      tell_campaign(id)
    end
    return
  end
  if f.state == RUNNING then redis.call('HSET', campaign, 'state', FINISHED, 'paused', '') end
  redis.call('HSET', campaign, 'ended', ms(now))
  redis.call('SREM', open_campaigns(), id)
  redis.call('DEL', campaign .. ':params', campaign .. ':left')
  redis.call('PEXPIRE', campaign, f.keep)
  for _, part in ipairs({'pages', 'rows', 'outcomes', 'codes', 'delivered', 'err_codes', 'left_out'}) do
    redis.call('PEXPIRE', campaign .. ':' .. part, f.keep)
  end
  tell_campaign(id)
end

-- Count recipients to whom nothing will be sent, because the campaign is cancelled. They have no job.
local function count_cancelled(id, recipients)
  if recipients == 0 then return end
  redis.call('HINCRBY', campaign_key(id), NOT_SENT, recipients)
  redis.call('HINCRBY', campaign_key(id) .. ':codes', 'cancelled', recipients)
end

-- Remove the parameters of a chunk that is settled. Halves have theirs together, until the last recipient has an outcome.
local function remove_params(campaign, name, size)
  local number = number_of(name)
  if name ~= number and redis.call('HINCRBY', campaign .. ':left', number, -size) > 0 then return end
  redis.call('HDEL', campaign .. ':params', number)
  redis.call('HDEL', campaign .. ':left', number)
end

-- How many of a chunk's recipients its request leaves out.
local function count_left_out(campaign, name)
  local _, count = string.gsub(redis.call('HGET', campaign .. ':left_out', name) or '', '%d+', '')
  return count
end

-- Some of a campaign's recipients are accepted now. Whoever waits when the last pull is over is unreported to whoever reads
-- it, whether or not he was asked about. `last` is the delay of that pull. Where anybody is asked, it is kept for as long.
-- One that has ended is kept for no longer than it is.
local function await_receipts(campaign, last, asks, now)
  local f = fields(campaign, 'keep', 'waits_until')
  local keep, left = num(f.keep), redis.call('PTTL', campaign)
  if left > 0 then
    keep = math.min(keep, left)
  elseif asks and keep < last + SEEN_FOR then
    keep = last + SEEN_FOR
    redis.call('HSET', campaign, 'keep', ms(keep))
  end
  local ends, before = waits_until(now, last, keep), is_count(f.waits_until) and num(f.waits_until) or 0
  if ends > before then redis.call('HSET', campaign, 'waits_until', ms(ends)) end
end

-- Count a chunk's outcome, once. Recipients that its request left out were not sent to, whatever became of it.
-- last is the delay (ms) of its last pull, if it is not the default; asks is whether anybody of it is asked about.
local function count_chunk(id, chunk, state, label, outcome, now, last, asks)
  local campaign = campaign_key(id)
  local name, size = split_chunk(chunk)
  if redis.call('EXISTS', campaign) == 0 then return end
  if redis.call('HSETNX', campaign .. ':outcomes', name, outcome) == 0 then return end
  local left_out = count_left_out(campaign, name)
  if left_out > 0 then
    redis.call('HINCRBY', campaign, NOT_SENT, left_out)
    redis.call('HINCRBY', campaign .. ':codes', 'suppressed', left_out)
  end
  redis.call('HINCRBY', campaign, state, size - left_out)
  redis.call('HINCRBY', campaign .. ':codes', label, size - left_out)
  remove_params(campaign, name, size)
  if state == ACCEPTED then await_receipts(campaign, last or LAST_PULL, asks, now) end
  -- A holder whose claim ran out may report an acceptance when the chunk is already pending again.
  if redis.call('SREM', campaign .. ':active', chunk) == 0 then
    redis.call('LREM', campaign .. ':pending', 1, chunk)
  end
  end_campaign(id, now)
end

-- Count a chunk again whose outcome has changed. That happens to a chunk once at most, so an ended campaign has at most one
-- event more for each chunk that was unknown.
local function recount_chunk(id, chunk, was, was_label, state, label, outcome, now)
  local campaign = campaign_key(id)
  local name, size = split_chunk(chunk)
  if redis.call('HEXISTS', campaign .. ':outcomes', name) == 0 then return end
  redis.call('HSET', campaign .. ':outcomes', name, outcome)
  size = size - count_left_out(campaign, name)
  redis.call('HINCRBY', campaign, was, -size)
  redis.call('HINCRBY', campaign, state, size)
  if redis.call('HINCRBY', campaign .. ':codes', was_label, -size) <= 0 then
    redis.call('HDEL', campaign .. ':codes', was_label)
  end
  redis.call('HINCRBY', campaign .. ':codes', label, size)
  if state == ACCEPTED then await_receipts(campaign, LAST_PULL, false, now) end
  if redis.call('HEXISTS', campaign, 'ended') == 1 then tell_campaign(id) end
end

-- Pause a campaign once when more of its recipients are refused than accepted. Halving finds a few among many. If most are
-- guilty, it takes two requests for each, and the cause is the file's or the template's.
local function pause_if_most_are_refused(id)
  local campaign = campaign_key(id)
  local f = fields(campaign, 'paused', ACCEPTED, REJECTED)
  if num(f[REJECTED]) < 100 or num(f[REJECTED]) <= num(f[ACCEPTED]) then return end
  if redis.call('HSETNX', campaign, 'most_refused', 1) == 0 or f.paused ~= '' then return end
  redis.call('HSET', campaign, 'paused', 'most recipients are refused, see by_code: resume it to send to the rest, or cancel it')
  tell_campaign(id)
end

-- Let the halves of a refused chunk be sent in its place. Nothing of it was sent, and its job is settled.
-- The first half has one recipient more if their number is odd. Python's `half_of` halves in the same way.
local function halve_chunk(id, chunk, now)
  local campaign = campaign_key(id)
  local name, size = split_chunk(chunk)
  if redis.call('EXISTS', campaign) == 0 then return end
  if redis.call('HSETNX', campaign .. ':outcomes', name, 'halved') == 0 then return end
  redis.call('HINCRBY', campaign, 'halved', 1)
  redis.call('HSETNX', campaign .. ':left', number_of(name), size)
  redis.call('SREM', campaign .. ':active', chunk)
  if redis.call('HGET', campaign, 'state') == CANCELLED then
    count_cancelled(id, size)
  else
    local first = math.ceil(size / 2)
    local halves = {string.format('%sb:%d', name, size - first), string.format('%sa:%d', name, first)}
    redis.call('LPUSH', campaign .. ':pending', unpack(halves))
    pause_if_most_are_refused(id)
  end
  end_campaign(id, now)
end

-- Make a chunk pending again. Only for a job of which nothing was sent and which nobody holds from now on.
local function park_chunk(job_id, id, chunk)
  local campaign = campaign_key(id)
  redis.call('HSET', job_key(job_id), 'state', QUEUED, 'token', '', 'due', NEVER, 'expires', NEVER, 'looks', 0)
  redis.call('ZREM', agenda_key(), job_id)
  if redis.call('SREM', campaign .. ':active', chunk) == 1 then redis.call('LPUSH', campaign .. ':pending', chunk) end
end

-- Settle a chunk of a cancelled campaign. Only for a job of which nothing was sent and which nobody holds.
-- Returns the outcome in its short form. Python's `outcome_json` makes JSON of it.
local function cancel_chunk(job_id, id, chunk, attempts, now)
  local outcome = string.format('cancelled %d', attempts)
  local keep = redis.call('HGET', campaign_key(id), 'keep') or '60000'
  write_outcome(job_id, '', NOT_SENT, outcome, keep, now)
  count_chunk(id, chunk, NOT_SENT, 'cancelled', outcome, now)
  return outcome
end
