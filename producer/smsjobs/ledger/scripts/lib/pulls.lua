-- Deliveries that are pulled, because nothing was pushed. Codes come first.
--   sms:{tag}:pulls:codes   zset  job id by the time (ms) of its next pull
--   sms:{tag}:pulls:others  zset  the same of all other lanes
-- include ledger/outcomes

local function pulls_key(lane) return ELEMENT .. ':pulls:' .. (lane == 'verification' and 'codes' or 'others') end

-- Have a job's deliveries pulled. numbers are its numbers, sealed; first and last are the delays of the first and the last pull.
-- The job is kept until after the last one.
local function pull_later(id, lane, numbers, first, last, now)
  local job = job_key(id)
  redis.call('HSET', job, 'numbers', numbers, 'pulls', 0)
  -- If this key is damaged, the next pull sets it aside, and has all jobs on a new one.
  redis.pcall('ZADD', pulls_key(lane), ms(now + first), id)
  local lives = last + SEEN_FOR
  if redis.call('PTTL', job) < lives then redis.call('PEXPIRE', job, lives) end
end

-- Nothing of the job is awaited any more, so its numbers leave Redis.
local function stop_pulling(id, lane)
  redis.call('HDEL', job_key(id), 'numbers', 'pulls')
  redis.pcall('ZREM', pulls_key(lane), id)  -- likewise
end
