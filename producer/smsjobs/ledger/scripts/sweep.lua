-- Look at the element's due jobs, each once. The next run finds only the remaining ones, whoever runs it.
-- The cost grows with the number of due jobs, not with the number of stored jobs.
--
-- most is how many jobs to look at; repeat_after is the time (ms) after which a look is repeated; keep is how long (ms)
-- outcomes are kept.
--
-- Returns {a flat list of sevens: verb, id, lane, element, attempts, looks before this one, 1 if an answer was lost;
--          a flat list of pairs: what was set aside, what is wrong with it}
--
-- Verbs:
--   publish   it is due now, or was interrupted: publish its id
--   requeue   it was published and nobody claimed it: its message may be lost, or may still be in the queue
--   expired   it was not sent in time: settle it
--   store     it was settled outside a task: make sure that Celery's result is stored, then confirm
--
-- Two kinds of chunks get no verb, if nothing of them was sent. If the campaign is held, the chunk becomes pending again,
-- because a pause may last longer than any job. If it is cancelled, the chunk is settled here. Its result is stored at
-- the next look.
-- include ledger/jobs, ledger/aside, ledger/campaigns, ledger/damage, ledger/entry_damage, ledger/failed
local agenda = unpack(KEYS)
local now, most, repeat_after, keep = unpack(ARGV)
now = now_ms(now)

local found = {}

local function tell(verb, id, f)
  local told = {verb, id, f.lane or '', f.element or '', is_count(f.attempts) and f.attempts or '0', num(f.looks), num(f.lost_from) > 0 and 1 or 0}
  for _, each in ipairs(told) do found[#found + 1] = each end
end

-- What the campaign says about a chunk that nobody holds and of which nothing was sent. For any other job it is "go".
local function says(f)
  local idle = f.campaign and f.state == QUEUED and not is_held(f) and num(f.lost_from) == 0
  return idle and campaign_says(f.campaign, now) or 'go'
end

-- Handles one job. Returns the time of the next look, or nil for none.
local function look_at(id, job, f)
  -- Whatever it says, it must not be returned again at once.
  local requeue = math.max(num(f.requeue), 1000)
  if SETTLED[f.state] then
    tell('store', id, f)
    return now + num(repeat_after)
  end
  if is_held(f) then
    if num(f.lease) > now then return num(f.lease) end
    tell('publish', id, f)
    interrupt(job, f, now)
    redis.call('HSET', job, 'looks', 1)
    return now + requeue
  end
  -- Nothing can be taken from a damaged campaign, or given to it. The feed pauses it.
  if f.campaign and campaign_damage(f.campaign) then return now + num(repeat_after) end
  local campaign = says(f)
  if campaign == 'hold' then
    park_chunk(id, f.campaign, f.chunk)
    return nil
  end
  if campaign == 'cancelled' then
    cancel_chunk(id, f.campaign, f.chunk, num(f.attempts), now)
    return now
  end
  if f.state == QUEUED and num(f.expires) <= now then
    tell('expired', id, f)
    return now + num(repeat_after)
  end
  local last = f.state == QUEUED and num(f.expires) or math.huge
  if num(f.due) > now then return math.min(num(f.due), last) end
  local looks = num(f.looks)
  tell(looks == 0 and 'publish' or 'requeue', id, f)
  redis.call('HSET', job, 'looks', looks + 1)
  return math.min(now + requeue * 2 ^ math.min(looks, 12), last)
end

-- Looks at one entry. Returns the time of the next look or false for none, and what is wrong with it.
local function handle(id)
  local job = job_key(id)
  local f = fields(job, 'state', 'token', 'lease', 'due', 'expires', 'requeue', 'looks', 'claimed', 'lost_from', 'lost_to',
    'lane', 'element', 'attempts', 'campaign', 'chunk', 'outcome')
  if not f.state and redis.call('EXISTS', job) == 0 then return false end
  local damage = damage_of(f, now, f.requeue)
  if not damage and not SETTLED[f.state] then
    if not is_count(f.looks) then damage = 'no valid looks' end
    if not (f.element and f.lane) then damage = 'no element, or no lane' end
  end
  -- They are told, so they must be texts.
  if string.find((f.element or '') .. (f.lane or ''), '[^%w_.]') then damage = 'no valid element, or no valid lane' end
  if damage then return false, damage end
  return look_at(id, job, f) or false
end

-- Set aside what is damaged. Returns the time of the next look, or false for none.
local function put_aside(id, problem)
  local placed
  if is_id(id) then
    placed = set_aside(now, 'job:' .. id, problem)
  else
    placed = set_aside(now, 'agenda:' .. digest_of(id), problem, id)
  end
  return not placed and now + ASIDE_FULL
end

need_aside()
-- Before anything is looked at: this too raises an error if its key is of a wrong type.
forget_failures(now - num(keep))
local left = num(most)
repeat
  local due = redis.call('ZRANGEBYSCORE', agenda, '-inf', ms(now), 'LIMIT', 0, left)
  -- What is damaged does not count, so that it holds up nothing.
  left = 0
  for _, id in ipairs(due) do
    local next_look, problem = false, 'not a valid id'
    if is_id(id) then next_look, problem = undamaged(handle, id) end
    if problem then
      next_look = put_aside(id, problem)
      left = left + 1
    end
    if next_look then
      redis.call('ZADD', agenda, ms(next_look), id)
    else
      redis.call('ZREM', agenda, id)
    end
  end
until left == 0
return {found, newly_aside}
