-- Cancel a campaign: nothing more of it is sent. What a worker holds, or looks up, ends by itself and is counted then.
--
-- KEYS  1 sms:campaign:<id>   2 sms:agenda
-- ARGV  1 now (0: Redis's clock)   2 id   3 prefix of job keys
-- Returns {"ok"}, also for a cancelled one; {"ended"}: it is finished; {"missing"}
local now, id, key = now_ms(ARGV[1]), ARGV[2], KEYS[1]
local f = redis.call('HMGET', key, 'state', 'generation')
local state, generation = f[1], f[2]
if not state then return {'missing'} end
if state == 'cancelled' then return {'ok'} end
if state == 'finished' then return {'ended'} end
redis.call('HSET', key, 'state', 'cancelled', 'paused', '')

local function cancel_if_idle(chunk)
  local job_id = chunk_id(id, generation, split_chunk(chunk))
  local job = ARGV[3] .. job_id
  local f = redis.call('HMGET', job, 'state', 'attempts', 'lost_from')
  if not f[1] then return false end
  if f[1] == 'queued' and num(f[3]) == 0 then
    cancel_chunk(job, KEYS[2], job_id, id, chunk, num(f[2]), now)
  end
  return true
end

for _, chunk in ipairs(redis.call('SMEMBERS', key .. ':active')) do cancel_if_idle(chunk) end
local unsent = 0
local pending = redis.call('LRANGE', key .. ':pending', 0, -1)
redis.call('DEL', key .. ':pending')
for _, chunk in ipairs(pending) do
  if not cancel_if_idle(chunk) then
    local _, size = split_chunk(chunk)
    unsent = unsent + size
  end
end
if unsent > 0 then
  redis.call('HINCRBY', key, 'not_sent', unsent)
  redis.call('HINCRBY', key .. ':codes', 'cancelled', unsent)
end
-- Whoever reads its file may yet find more rows; workers see to its end if nobody does.
if state == 'planning' then redis.call('SADD', 'sms:campaigns:open', id) end
end_campaign(id, now)
return {'ok'}
