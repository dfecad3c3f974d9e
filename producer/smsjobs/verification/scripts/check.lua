-- Try a code. The right one is gone with this step, so of two at once one succeeds.
--
-- What is compared are keyed hashes: how long a comparison takes tells nothing about a code to someone without the key.
--
-- KEYS  1, 2 sms:code:<tag>
-- ARGV  1 now (0: Redis's clock)   2, 3 proof of the tried code by each secret   4 token of this try; the same again
--       where a call is repeated   5 most wrong tries   6 ms for which a repetition of the right try is recognised
-- Returns {"ok" | "wrong" | "expired" | "too_many_tries" | "none_sent", tries left}
local now = now_ms(ARGV[1])
local most = num(ARGV[5])
for i = 1, 2 do
  if KEYS[i] ~= '' and redis.call('HGET', KEYS[i], 'used') == ARGV[4] then return {'ok', 0} end
end
local which = latest()
if not which then return {'none_sent', 0} end
local f = redis.call('HMGET', KEYS[which], 'proof', 'expires', 'tries', 'last')
local tries = num(f[3])
if f[4] == ARGV[4] then return {'wrong', math.max(0, most - tries)} end
if tries >= most then return {'too_many_tries', 0} end
if num(f[2]) <= now then return {'expired', 0} end
-- Counted before it is compared: a Redis that is out of memory refuses this, but might let the removal pass, and so
-- would answer the right guess alone.
redis.call('HSET', KEYS[which], 'tries', tries + 1, 'last', ARGV[4])
if f[1] == ARGV[which + 1] then
  for i = 1, 2 do
    if KEYS[i] ~= '' then redis.call('DEL', KEYS[i]) end
  end
  redis.call('HSET', KEYS[which], 'used', ARGV[4])
  redis.call('PEXPIRE', KEYS[which], ARGV[6])
  return {'ok', 0}
end
return {'wrong', most - tries - 1}
