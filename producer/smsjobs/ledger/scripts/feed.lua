-- Turn pending chunks of the element's campaigns into jobs that are due now. The sweep publishes them like any due job.
--
-- most is how many jobs one campaign may have at the same time; expires and requeue are in ms.
--
-- Returns {how many jobs were made; a flat list of pairs: what was set aside, what is wrong with it}
-- include ledger/jobs, ledger/aside, ledger/campaigns, ledger/damage
local agenda = unpack(KEYS)
local now, most, lane, expires, requeue = unpack(ARGV)
now = now_ms(now)

-- Makes a job of a chunk, unless that would overwrite something. Returns what is wrong, or nil.
local function make_job(id, campaign, shared, chunk)
  if not split_chunk(chunk) then return 'not a valid chunk' end
  local job_id = chunk_id(id, shared.generation, split_chunk(chunk))
  local job = job_key(job_id)
  local there, problem = undamaged(fields, job, 'state', 'token')
  if problem then return problem end
  if there.state and (there.state ~= QUEUED or is_held(there)) then return 'it is a job already' end
  redis.call('ZADD', agenda, ms(now), job_id)
  redis.call('HSET', job, 'state', QUEUED, 'token', '', 'lane', lane, 'element', shared.element, 'campaign', id,
    'chunk', chunk, 'due', ms(now), 'expires', ms(now + num(expires)), 'requeue', requeue, 'looks', 0)
  redis.call('HSETNX', job, 'created', ms(now))
  redis.call('HSETNX', job, 'attempts', 0)
  redis.call('SADD', campaign .. ':active', chunk)
end

-- A campaign pauses itself for what is wrong with it, if its hash can still say so. If it cannot, it is not open any more.
local function stop(id, campaign, problem)
  set_aside(now, 'campaign:' .. id, problem)
  local reason = 'damaged: ' .. problem .. '; see smsjobs set-aside list'
  local ok, paused = pcall(redis.call, 'HGET', campaign, 'paused')
  if not ok then
    redis.call('SREM', open_campaigns(), id)
  elseif not paused or paused == '' then
    redis.call('HSET', campaign, 'paused', reason)
    tell_campaign(id)
  end
end

-- Makes jobs of the campaign's next chunks. Each is taken off the list only after it has a place elsewhere.
-- Returns how many, and what stops the campaign.
local function make_jobs(id, campaign, room)
  local shared = fields(campaign, 'element', 'generation')
  local made = 0
  for _, chunk in ipairs(redis.call('LRANGE', campaign .. ':pending', 0, room - 1)) do
    local problem = make_job(id, campaign, shared, chunk)
    if not problem then
      made = made + 1
    elseif not set_aside(now, 'chunk:' .. id .. ':' .. digest_of(chunk), problem, chunk) then
      return made, 'a pending chunk: ' .. problem
    end
    redis.call('LPOP', campaign .. ':pending')
  end
  if made == 0 then end_campaign(id, now) end
  return made
end

-- Returns how many jobs were made, and what is wrong with the campaign.
local function feed(id)
  if not is_id(id) then
    redis.call('SREM', open_campaigns(), id)
    set_aside(now, 'campaign:' .. digest_of(id), 'not a valid id', id)
    return 0
  end
  local campaign = campaign_key(id)
  local damage = campaign_damage(id)
  if damage then return 0, damage end
  local room = num(most) - redis.call('SCARD', campaign .. ':active')
  local f = fields(campaign, 'state', 'paused')
  if not f.state then
    redis.call('SREM', open_campaigns(), id)
  elseif string.find(f.paused, '^damaged: ') then
    return 0, string.match(f.paused, '^damaged: (.-);') or 'paused'
  elseif f.state == CANCELLED then
    end_campaign(id, now)
  elseif room > 0 and campaign_says(id, now) == 'go' then
    return make_jobs(id, campaign, room)
  end
  return 0
end

need_aside()
redis.call('ZCARD', all_campaigns())  -- likewise
local fed = 0
for _, id in ipairs(redis.call('SMEMBERS', open_campaigns())) do
  local made, problem = undamaged(feed, id)
  if problem then stop(id, campaign_key(id), problem) end
  fed = fed + (made or 0)
end
return {fed, newly_aside}
