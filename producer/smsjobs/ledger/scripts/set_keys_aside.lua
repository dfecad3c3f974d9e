-- Set those keys aside that all entries of the element share, if they are of a wrong type. They get other names.
--
-- Returns a flat list: what was set aside, what is wrong with it.
-- include ledger/jobs, ledger/campaigns, ledger/aside
local agenda = unpack(KEYS)
local now = unpack(ARGV)
now = now_ms(now)
local SHARED = {{aside_key(), 'hash'}, {aside_key('what'), 'hash'}, {agenda, 'zset'}, {all_campaigns(), 'zset'},
  {open_campaigns(), 'set'}}
for _, pair in ipairs(SHARED) do
  local key, wanted = unpack(pair)
  local kind = redis.call('TYPE', key)
  kind = kind.ok or kind
  if kind ~= 'none' and kind ~= wanted then
    local name = string.sub(key, #ELEMENT + 2)
    redis.call('RENAME', key, aside_key('key:' .. name))
    set_aside(now, 'key:' .. name, 'a ' .. kind .. ', not a ' .. wanted)
  end
end
return newly_aside
