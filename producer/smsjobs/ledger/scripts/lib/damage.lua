-- What is wrong with an entry or a campaign. A step asks before it writes, so damage is found where it is and not halfway
-- through a change. What an old version, a bug or a hand left behind may be anything.
-- A plain job pays for this at each step. So there are few functions here, and they make nothing before they are called.

-- What is wrong with a campaign, or nil. A campaign that does not exist is whole. If a label is given: or what keeps it
-- from counting an outcome under that label.
local function campaign_damage(id, label)
  local campaign = campaign_key(id)
  local parts = {[''] = 'hash', [':pages'] = 'hash', [':rows'] = 'hash', [':params'] = 'hash', [':pending'] = 'list',
    [':active'] = 'set', [':outcomes'] = 'hash', [':left'] = 'hash', [':codes'] = 'hash', [':delivered'] = 'hash',
    [':err_codes'] = 'hash', [':left_out'] = 'hash'}
  for part, wanted in pairs(parts) do
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
  if not label then return end
  -- The second is for recipients whom the request left out.
  for _, count in ipairs(redis.call('HMGET', campaign .. ':codes', label, 'suppressed')) do
    if not is_count(count or '0') then return 'no valid count' end
  end
end
