-- What is wrong with a job's entry, or nil. Without this, a missing time would be taken for 0.
--
-- more is one more number that the script needs of a job that is not settled.
local function damage_of(f, now, more)
  if SETTLED[f.state] then return not f.outcome and 'no outcome' or nil end
  if not f.state then return 'no state' end
  if f.state ~= QUEUED and f.state ~= SENDING and f.state ~= LOOKING_UP then return 'an unknown state' end
  if not (is_count(f.due) and is_count(f.expires) and is_count(f.attempts) and is_count(more)) then
    return 'a number is missing or not valid'
  end
  if is_held(f) then
    if not is_count(f.lease) then return 'no valid lease' end
    if num(f.lease) <= now and not is_count(f.claimed) then return 'no valid claimed' end
  end
  if f.lost_from or f.lost_to or f.interrupted or f.resent then
    if not (is_count(f.lost_from or '0') and is_count(f.lost_to or '0')) then return 'no valid lost_from' end
    if not (is_count(f.interrupted or '0') and is_count(f.resent or '0')) then return 'no valid interrupted' end
  end
  if f.campaign and not (string.find(f.campaign, '^[%w_-]+$') and f.chunk and split_chunk(f.chunk)) then return 'no valid chunk' end
end
