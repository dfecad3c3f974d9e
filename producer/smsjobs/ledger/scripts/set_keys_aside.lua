-- Set those keys aside that all entries of the element share, if they are of a wrong type. They get other names.
--
-- Returns a flat list: what was set aside, what is wrong with it.
-- include ledger/jobs, ledger/campaigns, ledger/pulls, ledger/aside, ledger/failed
local agenda = unpack(KEYS)
local now = unpack(ARGV)
now = now_ms(now)
local SHARED = {{aside_key(), 'hash'}, {aside_key('what'), 'hash'}, {agenda, 'zset'}, {all_campaigns(), 'zset'},
  {open_campaigns(), 'set'}, {pulls_key('verification'), 'zset'}, {pulls_key(), 'zset'}, {ELEMENT .. ':err_codes', 'hash'},
  {failed_key(), 'zset'}}
-- Records keep the numbers of the codes that are set aside, so that new codes need other ones.
local FIRST_NEW_CODE = 600
for _, pair in ipairs(SHARED) do
  local key, wanted = unpack(pair)
  local kind = redis.call('TYPE', key)
  kind = kind.ok or kind
  if kind ~= 'none' and kind ~= wanted then
    local name = string.sub(key, #ELEMENT + 2)
    redis.call('RENAME', key, aside_key('key:' .. name))
    set_aside(now, 'key:' .. name, 'a ' .. kind .. ', not a ' .. wanted)
    if name == 'err_codes' then redis.call('HSET', key, '\n', FIRST_NEW_CODE) end
  end
end
return newly_aside
