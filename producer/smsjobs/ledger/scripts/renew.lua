-- Extend the leases of jobs that are being worked on.
--
-- KEYS  1 sms:agenda
-- ARGV  1 now (0: Redis's clock)   2 lease in ms   3 prefix of job keys   4, 5, … id and token, in pairs
-- Returns a list, 1 for each pair that still holds its job, 0 for each that does not.
local now = now_ms(ARGV[1])
local lease = ms(now + num(ARGV[2]))
local held = {}
for i = 4, #ARGV, 2 do
  local job = ARGV[3] .. ARGV[i]
  if redis.call('HGET', job, 'token') == ARGV[i + 1] then
    redis.call('HSET', job, 'lease', lease)
    redis.call('ZADD', KEYS[1], lease, ARGV[i])
    held[#held + 1] = 1
  else
    held[#held + 1] = 0
  end
end
return held
