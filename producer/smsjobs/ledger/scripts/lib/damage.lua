-- What is wrong with an entry or a campaign. A step asks before it writes, so damage is found where it is and not halfway
-- through a change. What an old version, a bug or a hand left behind may be anything.
-- A plain job pays for this at each step. So nothing is made here that only a campaign needs.

-- As `is_job_id` of Python's contract.
local function is_id(text) return #text <= 64 and string.find(text, '^[%w_-]+$') ~= nil end

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
  if f.campaign and not (is_id(f.campaign) and f.chunk and split_chunk(f.chunk)) then return 'no valid chunk' end
end

-- The type that each of a campaign's keys must have.
local function campaign_parts()
  return {[''] = 'hash', [':pages'] = 'hash', [':rows'] = 'hash', [':params'] = 'hash', [':pending'] = 'list',
    [':active'] = 'set', [':outcomes'] = 'hash', [':left'] = 'hash', [':codes'] = 'hash', [':delivered'] = 'hash',
    [':err_codes'] = 'hash'}
end

-- What is wrong with a campaign, or nil. A campaign that does not exist is whole. If a label is given: or what keeps it
-- from counting an outcome under that label.
local function campaign_damage(id, label)
  local campaign = campaign_key(id)
  for part, wanted in pairs(campaign_parts()) do
    local kind = redis.call('TYPE', campaign .. part)
    kind = kind.ok or kind
    if kind ~= 'none' and kind ~= wanted then return string.format('its key %s is a %s', part, kind) end
  end
  local counts = {'total', ACCEPTED, REJECTED, NOT_SENT, UNKNOWN, 'chunks', 'pages', 'created', 'at', 'keep', 'invalid',
    'duplicates'}
  local f = fields(campaign, 'state', 'generation', 'element', 'job', 'paused', unpack(counts))
  if not f.state then return redis.call('EXISTS', campaign) == 1 and 'no state' or nil end
  if f.state ~= PLANNING and f.state ~= RUNNING and f.state ~= CANCELLED and f.state ~= FINISHED then
    return 'an unknown state'
  end
  if not string.find(f.generation or '', '^%w+$') then return 'no valid generation' end
  if not string.find(f.element or '', '^[%w_.]+$') then return 'no valid element' end
  if not (f.job and string.sub(f.job, 1, 1) == '{') then return 'no valid job' end
  if not f.paused then return 'no paused' end
  for _, name in ipairs(counts) do
    if not is_count(f[name]) then return 'no valid ' .. name end
  end
  if label and not is_count(redis.call('HGET', campaign .. ':codes', label) or '0') then return 'no valid count' end
end
