-- Try a code. This step removes the right code, so only one of two simultaneous tries succeeds.
--
-- Keyed hashes are compared. Without the key, the time of a comparison reveals nothing about a code.
--
-- proof and old_proof are those of the tried code, by each secret.
-- token is the one of this try. A repeated call uses the same token again.
-- most is how many wrong tries are allowed.
-- recognised is how long (ms) a repetition of the right try is recognised.
--
-- Returns {"ok" | "wrong" | "expired" | "too_many_tries" | "none_sent" | "damaged", tries left}
-- include verification/codes
-- replicated
local code, old_code = unpack(KEYS)
local now, proof, old_proof, token, most, recognised = unpack(ARGV)
now, most = now_ms(now), num(most)
local codes, proofs = {code, old_code}, {proof, old_proof}
for _, each in ipairs(codes) do
  if redis.call('HGET', each, 'used') == token then return {'ok', 0} end
end
local which = latest(codes)
if not which then return {'none_sent', 0} end
local f = code_fields(codes[which])
if not is_whole(f) then return {'damaged', 0} end
local tries = num(f.tries)
if f.last == token then return {'wrong', math.max(0, most - tries)} end
if tries >= most then return {'too_many_tries', 0} end
if num(f.expires) <= now then return {'expired', 0} end
-- Count before comparing. A Redis without memory refuses this write, but might allow the removal below. Then it would
-- answer only the right guess.
redis.call('HSET', codes[which], 'tries', tries + 1, 'last', token)
if f.proof ~= proofs[which] then return {'wrong', most - tries - 1} end
for _, each in ipairs(codes) do redis.call('DEL', each) end
redis.call('HSET', codes[which], 'used', token)
redis.call('PEXPIRE', codes[which], recognised)
return {'ok', 0}
