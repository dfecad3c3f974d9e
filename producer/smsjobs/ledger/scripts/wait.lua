-- Give a claimed job back, to be looked at again at its due time. Nobody holds it meanwhile.
--
-- KEYS  1 sms:job:<id>   2 sms:agenda
-- ARGV  1 now (0: Redis's clock)   2 id   3 token   4 state to wait in: "queued" or "looking_up"   5 delay in ms
--       6 requests made under this claim   7, 8 first and last time (ms) at which an answer was lost, or 0
--       9 1 from when it is sent once more although an answer was lost
-- Returns {"ok"}, also when this very call is repeated; {"fenced"}: the token is not the holder's any more.
local now = now_ms(ARGV[1])
local f = redis.call('HMGET', KEYS[1], 'state', 'token', 'released', 'expires', 'campaign', 'chunk', 'attempts')
if f[3] == ARGV[3] then return {'ok'} end
if f[2] ~= ARGV[3] or SETTLED[f[1]] then return {'fenced'} end
local due = now + num(ARGV[5])
redis.call('HINCRBY', KEYS[1], 'attempts', num(ARGV[6]))
redis.call('HSET', KEYS[1], 'state', ARGV[4], 'token', '', 'released', ARGV[3], 'due', ms(due), 'looks', 0,
  'lost_from', ARGV[7], 'lost_to', ARGV[8], 'resent', ARGV[9])
-- What expires while it waits to be sent is settled then; a request that left is looked up to the end.
if ARGV[4] == 'queued' then due = math.min(due, num(f[4])) end
redis.call('ZADD', KEYS[2], ms(due), ARGV[2])
-- A chunk of a campaign that was cancelled meanwhile need not wait for its end.
if f[5] and ARGV[4] == 'queued' and num(ARGV[7]) == 0 and campaign_says(f[5], now) == 'cancelled' then
  cancel_chunk(KEYS[1], KEYS[2], ARGV[2], f[5], f[6], num(f[7]) + num(ARGV[6]), now)
end
return {'ok'}
