-- Take reports of one job's recipients. It is one step: the job is settled, if the report settles it, and each delivery is
-- written. What is final stays final, so a report may come twice, late or out of order.
--
-- numbers is how many recipients the job has.
-- biz_id is Aliyun's id of the accepted request, or "".
-- keep is how long (ms) an outcome is kept.
-- For each report follow: the recipient's position, the new state ("d", "f", or "w" for one that is not final), the
-- carrier's code, and the record's part behind the code.
--
-- Returns {"taken", its state before, lane, element, positions of the deliveries that were written}, also if there are none;
--         {"refused"}: nothing of the job was accepted;  {"missing"}
--         {"damaged", what is wrong}: nothing was changed, as if Redis answers that a key has a wrong type
-- replicated
-- include ledger/jobs, ledger/campaigns, ledger/damage, ledger/failed, ledger/receipts, ledger/pulls, delivery/records
local job, agenda = unpack(KEYS)
local now, id, numbers, biz_id, keep = unpack(ARGV, 1, 5)
now, numbers = now_ms(now), num(numbers)
local f = fields(job, 'state', 'attempts', 'label', 'key', 'campaign', 'chunk', 'lane', 'element',
  'delivery')
if not f.state then return {'missing'} end
if not (SETTLED[f.state] or f.state == QUEUED or f.state == SENDING or f.state == LOOKING_UP) then
  return {'damaged', 'an unknown state'}
end
-- They are told, so they must be texts.
if string.find((f.element or '') .. (f.lane or ''), '[^%w_.]') then return {'damaged', 'no valid element, or no valid lane'} end
local settles = is_settled_by_receipt(f)
if f.campaign then
  if not (f.chunk and split_chunk(f.chunk)) then return {'damaged', 'no valid chunk'} end
  -- A later campaign of the name may have taken the place of this chunk's.
  local generation = redis.call('HGET', campaign_key(f.campaign), 'generation') or ''
  if id ~= chunk_id(f.campaign, generation, split_chunk(f.chunk)) then return {'missing'} end
  local damage = settles and campaign_damage(f.campaign, 'OK')
  if damage then return {'damaged', 'its campaign: ' .. damage} end
end
if f.state == REJECTED or f.state == NOT_SENT then return {'refused'} end

-- All is read before anything is written.
local records, write = open_records(job, f, numbers)
if not records then return {'damaged', 'no valid records of its deliveries'} end
local changed = {}
for position, state, code, rest in groups(6, 4) do
  position = num(position)
  local was = record_at(records, position)
  if state ~= 'w' and not is_final(was) then
    local record = state .. string.sub(rest, 1, 2) .. code_number(code) .. string.sub(rest, 3)
    records = replaced(records, position, record)
    changed[#changed + 1] = {string.sub(was, 1, 1), state, code, position, record}
  end
end
if f.campaign and #changed > 0 and not can_count(f.campaign, changed) then
  return {'damaged', 'its campaign has no valid count of deliveries'}
end

if settles then settle_by_receipt(id, f, biz_id, keep, now) end
if #changed > 0 then write(records) end
if f.campaign then
  for _, each in ipairs(changed) do count_recipient(f.campaign, unpack(each)) end
elseif is_complete(records) then
  stop_pulling(id, f.lane)
elseif settles then
  end_unasked(id, redis.call('HGET', job, 'delivery'), LAST_PULL, num(keep), now)
end
if is_followed() then
  for _, each in ipairs(changed) do tell_delivery(id, f, each[4], each[5], each[3]) end
end
local positions = {}
for i, each in ipairs(changed) do positions[i] = each[4] end
return {'taken', f.state, f.lane or '', f.element or '', positions}
