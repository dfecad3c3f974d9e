-- Make pending chunks of campaigns jobs that are due now; the sweep publishes them as it does all that is due.
--
-- KEYS  1 sms:agenda
-- ARGV  1 now (0: Redis's clock)   2 most jobs of one campaign at a time   3 prefix of job keys   4 lane
--       5 ms until a job expires   6 ms after which the sweep looks for a claim
-- Returns how many there were.
local now = now_ms(ARGV[1])
local fed = 0
for _, id in ipairs(redis.call('SMEMBERS', 'sms:campaigns:open')) do
  local key = campaign_key(id)
  local room = num(ARGV[2]) - redis.call('SCARD', key .. ':active')
  if redis.call('EXISTS', key) == 0 then
    redis.call('SREM', 'sms:campaigns:open', id)
  elseif redis.call('HGET', key, 'state') == 'cancelled' then
    end_campaign(id, now)
  elseif room > 0 and campaign_says(id, now) == 'go' then
    local f = redis.call('HMGET', key, 'element', 'generation')
    local chunks = redis.call('LRANGE', key .. ':pending', 0, room - 1)
    redis.call('LTRIM', key .. ':pending', room, -1)
    for _, chunk in ipairs(chunks) do
      local job_id = chunk_id(id, f[2], split_chunk(chunk))
      local job = ARGV[3] .. job_id
      redis.call('HSET', job, 'state', 'queued', 'token', '', 'lane', ARGV[4], 'element', f[1], 'campaign', id,
        'chunk', chunk, 'due', ms(now), 'expires', ms(now + num(ARGV[5])), 'requeue', ARGV[6], 'looks', 0)
      redis.call('HSETNX', job, 'created', ms(now))
      redis.call('HSETNX', job, 'attempts', 0)
      redis.call('ZADD', KEYS[1], ms(now), job_id)
      redis.call('SADD', key .. ':active', chunk)
      fed = fed + 1
    end
  end
end
return fed
