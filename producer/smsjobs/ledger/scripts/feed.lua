-- Turn pending chunks of the element's campaigns into jobs that are due now. The sweep publishes them like any due job.
--
-- most is how many jobs one campaign may have at the same time; expires and requeue are in ms.
--
-- Returns how many jobs were made.
-- include ledger/jobs, ledger/campaigns
local agenda = unpack(KEYS)
local now, most, lane, expires, requeue = unpack(ARGV)
now = now_ms(now)

local function make_jobs(id, campaign, room)
  local f = fields(campaign, 'element', 'generation')
  local chunks = redis.call('LRANGE', campaign .. ':pending', 0, room - 1)
  redis.call('LTRIM', campaign .. ':pending', room, -1)
  for _, chunk in ipairs(chunks) do
    local job_id = chunk_id(id, f.generation, split_chunk(chunk))
    local job = job_key(job_id)
    redis.call('HSET', job, 'state', QUEUED, 'token', '', 'lane', lane, 'element', f.element, 'campaign', id,
      'chunk', chunk, 'due', ms(now), 'expires', ms(now + num(expires)), 'requeue', requeue, 'looks', 0)
    redis.call('HSETNX', job, 'created', ms(now))
    redis.call('HSETNX', job, 'attempts', 0)
    redis.call('ZADD', agenda, ms(now), job_id)
    redis.call('SADD', campaign .. ':active', chunk)
  end
  return #chunks
end

local fed = 0
for _, id in ipairs(redis.call('SMEMBERS', open_campaigns())) do
  local campaign = campaign_key(id)
  local room = num(most) - redis.call('SCARD', campaign .. ':active')
  if redis.call('EXISTS', campaign) == 0 then
    redis.call('SREM', open_campaigns(), id)
  elseif redis.call('HGET', campaign, 'state') == CANCELLED then
    end_campaign(id, now)
  elseif room > 0 and campaign_says(id, now) == 'go' then
    fed = fed + make_jobs(id, campaign, room)
  end
end
return fed
