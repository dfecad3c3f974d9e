-- The keys of verification codes; <digest> is a keyed hash, so that no number and no address can be read from it:
--   sms:{tag}:code:<digest>          hash  the code of one number and purpose; goes an hour after the code's end
--     salt, digits                           what the code is derived from, together with a secret that Redis has not
--     proof                                  the keyed hash of the code, against which a check is made
--     expires                                when the code's life ends
--     tries, last                            how many wrong ones were tried; the token of the last try
--     sends                                  the number of the last send
--     pending, pending_at                    the send that was counted and is not known to be in the ledger, and since when
--     used                                   alone: the token of the check that was right
--   sms:{tag}:code:number:<digest>   list  the times (ms) of the sends to a number in the last 24 hours, oldest first
--   sms:{tag}:code:client:<digest>   hash  sends asked for by an address in this minute, hour and day, with their starts
--   sms:{tag}:code:purpose:<name>    hash  the same for a purpose
--
-- Scripts are given names by the current secret and, where there is one, by the old secret.

local MINUTE, HOUR, DAY = 60000, 3600000, 86400000

-- Name, length, and how far its beginning in Beijing is before that in UTC.
local WINDOWS = {{name = 'minute', length = MINUTE, shift = 0}, {name = 'hour', length = HOUR, shift = 0},
  {name = 'day', length = DAY, shift = BEIJING}}

-- Which of these codes is the later one, dead or alive; nil where there is none.
local function latest(codes)
  local found, best
  for i, code in ipairs(codes) do
    local expires = redis.call('HGET', code, 'expires')
    if expires and (not found or num(expires) > best) then found, best = i, num(expires) end
  end
  return found
end
