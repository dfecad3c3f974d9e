-- Put before every script. All times are milliseconds of Redis's own clock, so processes cannot disagree about the time.
-- A test passes its own time.

local function now_ms(given)
  local now = tonumber(given)
  if now > 0 then return now end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function num(text) return tonumber(text) or 0 end

-- Whether a text is a whole number, 0 or more, that Lua and HINCRBY can both count with.
local function is_count(text) return text ~= nil and #text <= 16 and string.find(text, '^%d+$') ~= nil end

-- Milliseconds as plain digits. Lua's own conversion would write 1.7e+12.
local function ms(number) return string.format('%.0f', number) end

-- Add fields of a hash to `found` by their names. A missing field is nil.
-- Redis spends more on a field that is read than on most of a script's lines, even if the field does not exist. So a hot
-- script first reads what every job has, and the rest only where there is any.
local function read(found, key, ...)
  local names, values = {...}, redis.call('HMGET', key, ...)
  for i = 1, #names do found[names[i]] = values[i] or nil end
  return found
end

local function fields(key, ...) return read({}, key, ...) end

-- Iterates over ARGV from the position `first`, `size` values at a time.
local function groups(first, size)
  local i = first - size
  return function()
    i = i + size
    if i <= #ARGV then return unpack(ARGV, i, i + size - 1) end
  end
end
