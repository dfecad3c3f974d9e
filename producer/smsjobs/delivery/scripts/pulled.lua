-- Note that a job's deliveries were pulled: have them pulled again later, or, after the last time, call what waits unreported.
--
-- pulls is how many pulls were made before this one.
-- numbers is how many recipients the job has.
-- after is the delay (ms) of the next pull from the job's acceptance, or 0 if this was the last one.
-- everybody is 1 if all recipients that wait were asked about; else the positions follow of those that were.
--
-- Returns how many recipients became unreported; 0 also if this call is repeated, or if nothing waits any more; a text if
--         the records are damaged: what is wrong
-- include ledger/jobs, ledger/campaigns, ledger/pulls, delivery/records
local job = unpack(KEYS)
local id, pulls, numbers, after, everybody = unpack(ARGV, 1, 5)
local f = fields(job, 'pulls', 'accepted_at', 'element', 'lane', 'delivery', 'campaign', 'chunk')
if f.pulls ~= pulls then return 0 end
if f.campaign then
  -- A later campaign of the name may have taken the place of this chunk's.
  local generation = redis.call('HGET', campaign_key(f.campaign), 'generation') or ''
  local name = f.chunk and split_chunk(f.chunk)
  if not name or id ~= chunk_id(f.campaign, generation, name) then
    stop_pulling(id, f.lane)
    return 0
  end
end
if num(after) > 0 then
  redis.call('HINCRBY', job, 'pulls', 1)
  redis.call('ZADD', pulls_key(f.lane), ms(num(f.accepted_at) + num(after)), id)
  return 0
end
local records, write = open_records(job, f, num(numbers))
if not records then return 'no valid records of its deliveries' end
if f.campaign and not can_count(f.campaign, {}) then return 'its campaign has no valid count of deliveries' end
local unreported, followed = 0, is_followed()
local record = 'u' .. string.rep('0', RECORD - 1)
local function give_up(position)
  if record_at(records, position) ~= WAITING then return end
  records = replaced(records, position, record)
  if f.campaign then count_recipient(f.campaign, '.', 'u', '') end
  if followed then tell_delivery(id, f, position, record, '') end
  unreported = unreported + 1
end
if everybody == '1' then
  for position = 0, num(numbers) - 1 do give_up(position) end
else
  for position in groups(6, 1) do give_up(num(position)) end
end
if unreported > 0 then write(records) end
stop_pulling(id, f.lane)
return unreported
