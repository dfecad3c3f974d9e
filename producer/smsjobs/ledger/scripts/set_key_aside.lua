-- Set a key aside, if it is of a wrong type. It gets another name.
--
-- wanted is the type that it must have, or empty if it is damaged whatever its type is.
--
-- Returns a flat list: what was set aside, what is wrong with it.
-- include ledger/aside
local key = unpack(KEYS)
local now, wanted = unpack(ARGV)
now = now_ms(now)
local kind = redis.call('TYPE', key)
kind = kind.ok or kind
if kind ~= 'none' and kind ~= wanted then
  local name = string.sub(key, #ELEMENT + 2)
  redis.call('RENAME', key, aside_key('key:' .. name))
  set_aside(now, 'key:' .. name, wanted == '' and 'not valid' or 'a ' .. kind .. ', not a ' .. wanted)
end
return newly_aside
