-- The keys of verification codes. <digest> is a keyed hash, so it reveals no number and no address.
--   sms:{tag}:code:<digest>          hash  the code of one number and purpose; removed an hour after the code's end
--     salt, digits                           what the code is derived from, with a secret that Redis does not have
--     proof                                  the keyed hash of the code, for the comparison
--     expires                                when the code expires
--     tries, last                            the number of tries; the token of the last try
--     sends                                  the number of the last send
--     pending, pending_at                    the send that was counted but not confirmed; the time of its count
--     used                                   the token of the right check; then it is the only field
--   sms:{tag}:code:number:<digest>   list  the times (ms) of the sends to a number in the last 24 hours, oldest first
--   sms:{tag}:code:client:<digest>   hash  the sends of an address in this minute, hour and day, with their starts
--   sms:{tag}:code:purpose:<name>    hash  the same for a purpose
--
-- A script receives the names by the current secret and, if there is one, by the old secret.

local MINUTE, HOUR, DAY = 60000, 3600000, 86400000

-- Name and length (ms) of a window, and how much earlier (ms) it begins in Beijing than in UTC.
local WINDOWS = {{name = 'minute', length = MINUTE, shift = 0}, {name = 'hour', length = HOUR, shift = 0},
  {name = 'day', length = DAY, shift = BEIJING}}

local function code_fields(code)
  return fields(code, 'expires', 'tries', 'last', 'proof', 'salt', 'digits', 'sends', 'pending', 'pending_at', 'used')
end

-- Whether a code can be given out and tried. A number that cannot be read must not count as 0 tries.
local function is_whole(f)
  if f.used and not f.expires then return true end
  return is_count(f.expires) and is_count(f.tries) and is_count(f.digits) and is_count(f.sends) and f.salt and f.proof
    and is_count(f.pending or '0') and is_count(f.pending_at or '0')
end

-- Which of these codes expires last, dead or alive. nil if there is no code.
local function latest(codes)
  local found, best
  for i, code in ipairs(codes) do
    local expires = redis.call('HGET', code, 'expires')
    if expires and (not found or num(expires) > best) then found, best = i, num(expires) end
  end
  return found
end
