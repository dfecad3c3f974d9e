-- Set those keys aside that are damaged, so that the number, the client or the purpose has a new beginning. They get other
-- names, and are kept for a day.
--
-- Returns a flat list: what was set aside, what is wrong with it.
-- include verification/codes, ledger/aside
local code, old_code, number, old_number, purpose, client, old_client = unpack(KEYS)
local now = unpack(ARGV)
now = now_ms(now)

local function problem_of(key, wanted)
  local kind = redis.call('TYPE', key)
  kind = kind.ok or kind
  if kind == 'none' then return nil end
  if kind ~= wanted then return string.format('a %s, not a %s', kind, wanted) end
  if (key == code or key == old_code) and not is_whole(code_fields(key)) then return 'a field is damaged' end
end

local function look_at(key, wanted)
  local problem = key and problem_of(key, wanted)
  if not problem then return end
  local item = 'key:' .. string.sub(key, #ELEMENT + 2)
  redis.call('RENAME', key, aside_key(item))
  redis.call('PEXPIRE', aside_key(item), DAY)
  set_aside(now, item, problem)
end

look_at(code, 'hash')
look_at(old_code, 'hash')
look_at(number, 'list')
look_at(old_number, 'list')
look_at(purpose, 'hash')
look_at(client, 'hash')
look_at(old_client, 'hash')
return newly_aside
