-- Stands before every other script.
--
-- The keys of verification codes; <tag> is a keyed hash, so that no number and no address can be read from it:
--   sms:code:<tag>           hash  the code of one number and purpose; goes an hour after the code's end
--     salt, digits                   what the code is derived from, together with a secret that Redis has not
--     proof                          the keyed hash of the code, against which a check is made
--     expires                        when the code's life ends
--     tries, last                    how many wrong ones were tried; the token of the last try
--     sends                          the number of the last send
--     pending, pending_at            the send that was counted and is not known to be in the ledger, and since when
--     used                           alone: the token of the check that was right
--   sms:code:number:<tag>    list  the times (ms) of the sends to a number in the last 24 hours, oldest first
--   sms:code:client:<tag>    hash  sends asked for by an address in this minute, hour and day, with their starts
--   sms:code:purpose:<name>  hash  the same for a purpose
--
-- Keys come in pairs, by the current and by the old secret; the second is "" while there is no old one.
-- All times are milliseconds of Redis's own clock, so that no two processes can disagree; a test hands its own in.

local MINUTE, HOUR, DAY = 60000, 3600000, 86400000

-- Name, length, and how far its beginning in Beijing (UTC+8) is before that in UTC.
local WINDOWS = {{'minute', MINUTE, 0}, {'hour', HOUR, 0}, {'day', DAY, 8 * HOUR}}

local function now_ms(given)
  local now = tonumber(given)
  if now and now > 0 then return now end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function num(text) return tonumber(text) or 0 end

-- Milliseconds as whole digits: Lua's own number-to-text conversion would write 1.7e+12.
local function ms(number) return string.format('%.0f', number) end

-- Which of KEYS 1 and 2 holds the later code, dead or alive; nil where neither holds one.
local function latest()
  local found, best
  for i = 1, 2 do
    local expires = KEYS[i] ~= '' and redis.call('HGET', KEYS[i], 'expires')
    if expires and (not found or num(expires) > best) then found, best = i, num(expires) end
  end
  return found
end
