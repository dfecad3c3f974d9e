-- Cancel a campaign: nothing more of it is sent. A chunk that a worker holds or looks up is counted when it is settled.
--
-- Returns {"ok"}, also if it is already cancelled; {"ended"}: it is finished; {"missing"};
--         {"damaged", what is wrong}: nothing was changed
-- include ledger/jobs, ledger/campaigns, ledger/damage
-- replicated
local campaign = unpack(KEYS)
local now, id = unpack(ARGV)
now = now_ms(now)
local damage = campaign_damage(id, 'cancelled')
if damage then return {'damaged', damage} end
local c = fields(campaign, 'state', 'generation')
if not c.state then return {'missing'} end
if c.state == CANCELLED then return {'ok'} end
if c.state == FINISHED then return {'ended'} end
-- A planner may still find more rows in its file. If no planner is alive, the workers end the campaign.
if c.state == PLANNING then redis.call('SADD', open_campaigns(), id) end
redis.call('HSET', campaign, 'state', CANCELLED, 'paused', '')
tell_campaign(id)

local function cancel_if_idle(chunk)
  local job_id = chunk_id(id, c.generation, split_chunk(chunk))
  -- A job whose entry is damaged is left to whoever sets it aside.
  local ok, f = pcall(fields, job_key(job_id), 'state', 'attempts', 'lost_from')
  if not ok then return true end
  if not f.state then return false end
  if f.state == QUEUED and num(f.lost_from) == 0 then cancel_chunk(job_id, id, chunk, num(f.attempts), now) end
  return true
end

for _, chunk in ipairs(redis.call('SMEMBERS', campaign .. ':active')) do
  if split_chunk(chunk) then cancel_if_idle(chunk) end
end
local unsent = 0
local pending = redis.call('LRANGE', campaign .. ':pending', 0, -1)
redis.call('DEL', campaign .. ':pending')
for _, chunk in ipairs(pending) do
  if split_chunk(chunk) and not cancel_if_idle(chunk) then
    local _, size = split_chunk(chunk)
    unsent = unsent + size
  end
end
count_cancelled(id, unsent)
end_campaign(id, now)
return {'ok'}
