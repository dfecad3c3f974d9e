-- Give a key another name, unless it is of that type. What had the name is lost: it was damaged too.
--
-- wanted is the type that it must have, or empty if it is damaged whatever its type is.
--
-- Returns the type that it had, or an empty text if nothing was done.
local key, place = unpack(KEYS)
local now, wanted = unpack(ARGV)
local kind = redis.call('TYPE', key)
kind = kind.ok or kind
if kind == 'none' or kind == wanted then return '' end
redis.call('RENAME', key, place)
return kind
