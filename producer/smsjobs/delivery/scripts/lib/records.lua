-- Records of recipients. `delivery/records.py` describes a record, and reads it.
--   sms:{tag}:err_codes  hash  carrier's code -> its number, which stands in records. One that was made in place of a
--                              damaged one has a line break as a field: before which number none is given

local RECORD = 17

local WAITING = string.rep('.', RECORD)

-- The most codes that an element knows. A record of a further one has the last number.
local MOST_CODES = 1295

local function base36(number)
  local digits = '0123456789abcdefghijklmnopqrstuvwxyz'
  local high, low = math.floor(number / 36), number % 36
  return string.sub(digits, high + 1, high + 1) .. string.sub(digits, low + 1, low + 1)
end

local function code_number(code)
  local codes = ELEMENT .. ':err_codes'
  local found = redis.call('HGET', codes, code)
  if found then return string.find(found, '^[%l%d][%l%d]$') and found or base36(MOST_CODES) end
  local first = redis.call('HGET', codes, '\n') or '0'
  -- What is damaged must not become another code's number.
  local number = is_count(first) and math.min(num(first) + redis.call('HLEN', codes), MOST_CODES) or MOST_CODES
  if number < MOST_CODES then redis.call('HSET', codes, code, base36(number)) end
  return base36(number)
end

local function is_final(record) return string.find(record, '^[df]') ~= nil end

-- Whether no recipient waits any more. No other record has a dot.
local function is_complete(records) return string.find(records, '.', 1, true) == nil end

local function record_at(records, position)
  return string.sub(records, position * RECORD + 1, (position + 1) * RECORD)
end

local function replaced(records, position, record)
  return string.sub(records, 1, position * RECORD) .. record .. string.sub(records, (position + 1) * RECORD + 1)
end

local function are_records(text, numbers) return #text == numbers * RECORD and string.find(text, '[^%w.]') == nil end

-- The records of a job's recipients: of a chunk in its campaign, else behind the digests of its numbers.
-- Returns them, and a function that writes them; nil if they are damaged.
local function open_records(job, f, numbers)
  local empty = string.rep(WAITING, numbers)
  if not f.campaign then
    local digests, records = string.match(f.delivery or '', '^([^;]*);?(.*)$')
    if records == '' then records = empty end
    return are_records(records, numbers) and records or nil, function(changed)
      -- Nothing ends where nobody waits any more.
      if is_complete(changed) then digests = string.gsub(digests, '@.*', '', 1) end
      redis.call('HSET', job, 'delivery', digests .. ';' .. changed)
    end
  end
  local campaign, name = campaign_key(f.campaign), split_chunk(f.chunk)
  local kept = campaign .. ':delivered'
  local records = redis.call('HGET', kept, name) or empty
  return are_records(records, numbers) and records or nil, function(changed)
    redis.call('HSET', kept, name, changed)
    local lives = redis.call('PTTL', campaign)
    if lives > 0 then redis.call('PEXPIRE', kept, lives) end
  end
end

local COUNTERS = {d = 'delivered', f = 'undelivered', u = 'unreported'}

-- Whether recipients with these codes can be counted in a campaign. Each of them is a table with the code as its third.
local function can_count(id, recipients)
  local f = fields(campaign_key(id), 'delivered', 'undelivered', 'unreported')
  if not (is_count(f.delivered or '0') and is_count(f.undelivered or '0') and is_count(f.unreported or '0')) then return false end
  local codes = {}
  for _, each in ipairs(recipients) do codes[each[3]] = true end
  for code in pairs(codes) do
    if not is_count(redis.call('HGET', campaign_key(id) .. ':err_codes', code) or '0') then return false end
  end
  return true
end

-- Count a recipient of a campaign, under its new state and no more under its old one.
local function count_recipient(id, was, state, code)
  local campaign = campaign_key(id)
  if COUNTERS[was] then redis.call('HINCRBY', campaign, COUNTERS[was], -1) end
  redis.call('HINCRBY', campaign, COUNTERS[state], 1)
  if code == '' then return end
  redis.call('HINCRBY', campaign .. ':err_codes', code, 1)
  local lives = redis.call('PTTL', campaign)
  if lives > 0 then redis.call('PEXPIRE', campaign .. ':err_codes', lives) end
end

-- Tell a recipient's new record.
local function tell_delivery(id, f, position, record, code)
  tell_event('delivery.updated', 'job', id, 'element', f.element or '', 'lane', f.lane or '', 'campaign',
    f.campaign or '', 'recipient', position, 'record', record, 'code', code)
end
