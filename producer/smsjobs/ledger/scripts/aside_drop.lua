-- Drop an item that was set aside. A job gets its outcome, and all else is deleted.
--
-- outcome is that of a dropped job, whose state is "unknown"; label is the word under which a campaign counts it.
-- keep is how long (ms) it is kept.
--
-- Returns 1, or 0 if no such item is set aside.
-- include ledger/jobs, ledger/outcomes, ledger/aside, ledger/campaigns, ledger/damage, ledger/failed
-- replicated
local agenda = unpack(KEYS)
local now, item, outcome, label, keep = unpack(ARGV)
now = now_ms(now)
if redis.call('HEXISTS', aside_key(), item) == 0 then return 0 end
local what = redis.call('HGET', aside_key('what'), item)
local kind, name = string.match(item, '^(%l+):(.*)$')

-- The campaign's chunk of which this was the job, or nil. Its entry may not tell any more, but its id does.
local function chunk_of(job_id)
  local id, chunk_name = string.match(job_id, '^(.+)%-%w+%-(%w+)$')
  if not id or campaign_damage(id, label) then return nil end
  for _, chunk in ipairs(redis.call('SMEMBERS', campaign_key(id) .. ':active')) do
    if split_chunk(chunk) == chunk_name then return id, chunk end
  end
end

if kind == 'job' then
  redis.call('DEL', job_key(name))
  write_outcome(name, '', UNKNOWN, outcome, keep, now)
  local id, chunk = chunk_of(name)
  if id then count_chunk(id, chunk, UNKNOWN, label, outcome, now) else note_failure(name, UNKNOWN, 0, now) end
elseif kind == 'delivery' and not what then
  -- Its outcome is a fact, and stays. If this is not a hash, there is nothing else to drop.
  redis.pcall('HDEL', job_key(name), 'numbers', 'pulls', 'accepted_at', 'delivery')
elseif kind == 'campaign' and not what then
  local parts = {'', ':pages', ':rows', ':params', ':pending', ':active', ':outcomes', ':left', ':codes', ':delivered',
    ':err_codes', ':left_out'}
  for _, part in ipairs(parts) do redis.call('DEL', campaign_key(name) .. part) end
  redis.call('SREM', open_campaigns(), name)
  redis.call('ZREM', all_campaigns(), name)
elseif kind == 'held' then
  redis.call('DEL', ELEMENT .. ':key:' .. name)
elseif kind == 'key' then
  redis.call('DEL', aside_key(item))
end
redis.call('HDEL', aside_key(), item)
redis.call('HDEL', aside_key('what'), item)
return 1
