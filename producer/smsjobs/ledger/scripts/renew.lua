-- Extend the leases of jobs that are being worked on. lease is in ms.
--
-- Returns a list: 1 for each pair of id and token that still holds its job, 0 for each that does not.
-- include ledger/jobs
-- replicated
local agenda = unpack(KEYS)
local now, lease = unpack(ARGV, 1, 2)
local lease_ends = ms(now_ms(now) + num(lease))
local held = {}
for id, token in groups(3, 2) do
  -- Of a key that is not a hash any more, the answer is an error in place of the token.
  local holds = redis.pcall('HGET', job_key(id), 'token') == token
  if holds then
    redis.call('HSET', job_key(id), 'lease', lease_ends)
    redis.call('ZADD', agenda, lease_ends, id)
  end
  held[#held + 1] = holds and 1 or 0
end
return held
