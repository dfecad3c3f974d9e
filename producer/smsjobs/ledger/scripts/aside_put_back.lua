-- Put an item back that was set aside. If it is still damaged, it is set aside again by whoever meets it.
--
-- Then a name and a size follow for each planned chunk, if the item is a campaign.
--
-- Returns {"ok"}; {"missing"}: no such item is set aside; {"damaged", what is still wrong}
-- include ledger/jobs, ledger/pulls, ledger/aside, ledger/campaigns, ledger/damage
-- replicated
local agenda = unpack(KEYS)
local now, item = unpack(ARGV, 1, 2)
now = now_ms(now)
if redis.call('HEXISTS', aside_key(), item) == 0 then return {'missing'} end
local what = redis.call('HGET', aside_key('what'), item)
local kind, name = string.match(item, '^(%l+):(.*)$')

-- Make those chunks of a campaign pending that have no outcome and are nowhere else.
local function put_chunks_back(id)
  local campaign = campaign_key(id)
  local known = {}
  for _, chunk in ipairs(redis.call('LRANGE', campaign .. ':pending', 0, -1)) do known[chunk] = true end
  local function put(chunk_name, size)
    local chunk = string.format('%s:%d', chunk_name, size)
    local outcome = redis.call('HGET', campaign .. ':outcomes', chunk_name)
    if outcome == 'halved' then
      local first = math.ceil(size / 2)
      put(chunk_name .. 'a', first)
      put(chunk_name .. 'b', size - first)
    elseif not outcome and not known[chunk] and redis.call('SISMEMBER', campaign .. ':active', chunk) == 0 then
      redis.call('RPUSH', campaign .. ':pending', chunk)
    end
  end
  for chunk_name, size in groups(3, 2) do put(chunk_name, num(size)) end
end

local put_back = {
  job = function() redis.call('ZADD', agenda, ms(now), name) end,
  agenda = function() redis.call('ZADD', agenda, ms(now), what) end,
  held = function()
    local held = redis.pcall('GET', ELEMENT .. ':key:' .. name)
    if held and not (type(held) == 'string' and string.find(held, '^[%w_-]+ %x+$')) then return 'not valid' end
  end,
  delivery = function()
    local part, member = string.match(what or '', '^(%l+) (.*)$')
    if part then
      redis.call('ZADD', pulls_key(part == 'codes' and 'verification' or ''), ms(now), member)
      return nil
    end
    local ok, f = pcall(fields, job_key(name), 'lane', 'numbers')
    if not ok then return 'a key of a wrong type' end
    if f.numbers then redis.call('ZADD', pulls_key(f.lane), ms(now), name) end
  end,
  chunk = function()
    local id = string.match(name, '^[%w_-]+')
    local damage = campaign_damage(id)
    if damage then return damage end
    if redis.call('HGET', campaign_key(id), 'state') ~= RUNNING then return 'its campaign is not running any more' end
    redis.call('RPUSH', campaign_key(id) .. ':pending', what)
  end,
  count = function()
    local id, chunk, state, label, outcome = string.match(what, '^(.-)\n(.-)\n(.-)\n(.-)\n(.*)$')
    local damage = campaign_damage(id, label)
    if damage then return damage end
    count_chunk(id, chunk, state, label, outcome, now)
  end,
  campaign = function()
    if what then return 'not a valid id' end
    local damage = campaign_damage(name)
    if damage then return damage end
    local campaign = campaign_key(name)
    local f = fields(campaign, 'state', 'paused')
    if f.state ~= RUNNING then return nil end
    put_chunks_back(name)
    redis.call('SADD', open_campaigns(), name)
    if string.find(f.paused, '^damaged: ') then
      redis.call('HSET', campaign, 'paused', '')
      tell_campaign(name)
    end
  end,
  outbox = function()
    local box, id, text = ELEMENT .. ':' .. string.match(name, '^(.*):%x+$'), string.match(what, '^(.-)\n(.*)$')
    redis.call('HSET', box, id, text)
    redis.call('ZADD', box .. ':due', ms(now), id)
  end,
  key = function()
    if redis.call('EXISTS', aside_key(item)) == 0 then return nil end
    if redis.call('RENAMENX', aside_key(item), ELEMENT .. ':' .. name) == 0 then return 'there is a new key of its name' end
  end,
}

local damage = put_back[kind]()
if damage then return {'damaged', damage} end
redis.call('HDEL', aside_key(), item)
redis.call('HDEL', aside_key('what'), item)
return {'ok'}
