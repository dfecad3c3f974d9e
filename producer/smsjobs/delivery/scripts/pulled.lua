-- Note that a job's deliveries were pulled: have them pulled again later, or, after the last time, call what waits unreported.
--
-- pulls is how many pulls were made before this one.
-- numbers is how many recipients the job has.
-- after is the delay (ms) of the next pull from the job's acceptance, or 0 if this was the last one.
--
-- Returns how many recipients became unreported; 0 also if this call is repeated, or if nothing waits any more; a text if
--         the records are damaged: what is wrong
-- include ledger/jobs, ledger/campaigns, ledger/pulls, delivery/records
local job = unpack(KEYS)
local id, pulls, numbers, after = unpack(ARGV)
local f = fields(job, 'pulls', 'accepted_at', 'element', 'lane', 'delivery')
if f.pulls ~= pulls then return 0 end
if num(after) > 0 then
  redis.call('HINCRBY', job, 'pulls', 1)
  redis.call('ZADD', pulls_key(f.lane), ms(num(f.accepted_at) + num(after)), id)
  return 0
end
local records, write = open_records(job, f, num(numbers))
if not records then return 'no valid records of its deliveries' end
local unreported, followed = 0, is_followed()
local record = 'u' .. string.rep('0', RECORD - 1)
for position = 0, num(numbers) - 1 do
  if record_at(records, position) == WAITING then
    records = replaced(records, position, record)
    if followed then tell_delivery(id, f, position, record, '') end
    unreported = unreported + 1
  end
end
write(records)
stop_pulling(id, f.lane)
return unreported
