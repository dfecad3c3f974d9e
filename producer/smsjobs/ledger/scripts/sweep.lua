-- Look at the jobs whose time has come, each once: whoever runs this, the next runner finds only what is left.
-- Its cost grows with what is due, not with what is stored.
--
-- KEYS  1 sms:agenda
-- ARGV  1 now (0: Redis's clock)   2 most jobs to look at   3 prefix of job keys   4 ms until a look is repeated
-- Returns a flat list of sixes: verb, id, lane, attempts, looks before this one, 1 where an answer was lost. Verbs:
--   publish   it is due now, or was interrupted: publish its id
--   requeue   it was published and nobody claimed it: its message may be lost, or may be waiting its turn
--   expired   it was not sent in time: settle it
--   store     it was settled outside a task: see that Celery's result is stored, then confirm
-- A chunk of which nothing was sent, and whose campaign is held, is none of these: it goes back to its campaign, for a
-- pause may outlast any job's life. One of a cancelled campaign is settled here, and its result stored at the next look.
local now = now_ms(ARGV[1])
local found = {}
local function tell(verb, id, f)
  found[#found + 1] = verb
  found[#found + 1] = id
  found[#found + 1] = f[10] or ''
  found[#found + 1] = f[11] or '0'
  found[#found + 1] = num(f[7])
  found[#found + 1] = num(f[9]) > 0 and 1 or 0
end
-- What its campaign says of a chunk that nobody holds and of which nothing was sent; of any other job "go".
local function says(f)
  local idle = f[12] and f[1] == 'queued' and (not f[2] or f[2] == '') and num(f[9]) == 0
  return idle and campaign_says(f[12], now) or 'go'
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ms(now), 'LIMIT', 0, num(ARGV[2]))) do
  local job = ARGV[3] .. id
  local f = redis.call('HMGET', job, 'state', 'token', 'lease', 'due', 'expires', 'requeue', 'looks', 'claimed',
    'lost_from', 'lane', 'attempts', 'campaign', 'chunk')
  local state, campaign = f[1], says(f)
  local next_look = now + num(ARGV[4])
  -- An entry that lacks the field is damaged, and must not be handed out again at once.
  local requeue = math.max(num(f[6]), 1000)
  if not state then
    next_look = nil
  elseif SETTLED[state] then
    tell('store', id, f)
  elseif f[2] and f[2] ~= '' then
    if num(f[3]) > now then
      next_look = num(f[3])
    else
      interrupt(job, state, num(f[8]), num(f[9]), now)
      redis.call('HSET', job, 'looks', 1)
      next_look = now + requeue
      tell('publish', id, f)
    end
  elseif campaign == 'hold' then
    park_chunk(job, KEYS[1], id, f[12], f[13])
    next_look = nil
  elseif campaign == 'cancelled' then
    cancel_chunk(job, KEYS[1], id, f[12], f[13], num(f[11]), now)
    next_look = now
  elseif state == 'queued' and num(f[5]) <= now then
    tell('expired', id, f)
  elseif num(f[4]) > now then
    next_look = state == 'queued' and math.min(num(f[4]), num(f[5])) or num(f[4])
  else
    local looks = num(f[7])
    tell(looks == 0 and 'publish' or 'requeue', id, f)
    next_look = now + requeue * 2 ^ math.min(looks, 12)
    redis.call('HSET', job, 'looks', looks + 1)
    if state == 'queued' then next_look = math.min(next_look, num(f[5])) end
  end
  if next_look then
    redis.call('ZADD', KEYS[1], ms(next_look), id)
  else
    redis.call('ZREM', KEYS[1], id)
  end
end
return found
