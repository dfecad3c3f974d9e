-- Take a job for one worker, before any request is made. What it returns decides what the worker does.
--
-- KEYS  1 sms:job:<id>   2 sms:agenda
-- ARGV  1 now (0: Redis's clock)   2 id   3 the claimer's token   4 lease in ms
-- Returns {"granted", state, job JSON, attempts, lost_from, lost_to, expires, now, interrupted, resent}
--         {"settled", outcome JSON, followers}   {"in_flight"}   {"not_due"}   {"missing"}
local now = now_ms(ARGV[1])
local f = redis.call('HMGET', KEYS[1], 'state', 'token', 'lease', 'due', 'claimed', 'outcome', 'lost_from', 'followers')
local state, token = f[1], f[2]
if not state then return {'missing'} end
if SETTLED[state] then return {'settled', f[6] or '', f[8] or ''} end
-- A claim whose answer was lost on the way back is made again: it must find its own token, not an obstacle.
if token ~= ARGV[3] then
  if token and token ~= '' then
    if num(f[3]) > now then return {'in_flight'} end
    interrupt(KEYS[1], state, num(f[5]), num(f[7]), now)
    state = 'looking_up'
  elseif num(f[4]) > now then
    return {'not_due'}
  end
  if state == 'queued' then state = 'sending' end
  redis.call('HSET', KEYS[1], 'state', state, 'token', ARGV[3], 'claimed', ms(now))
end
-- Also where it is repeated: the claimer's lease begins with the answer that it got.
local lease = now + num(ARGV[4])
redis.call('HSET', KEYS[1], 'lease', ms(lease))
redis.call('ZADD', KEYS[2], ms(lease), ARGV[2])
local g = redis.call('HMGET', KEYS[1], 'job', 'attempts', 'lost_from', 'lost_to', 'expires', 'interrupted', 'resent')
return {'granted', state, g[1] or '', g[2] or '0', g[3] or '0', g[4] or '0', g[5] or '0', ms(now), g[6] or '0',
  g[7] or '0'}
