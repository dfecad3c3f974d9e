-- Pause a campaign for a reason that would stop all its chunks, and make the claimed chunk pending again: Aliyun
-- refused it, so nothing of it was sent.
--
-- KEYS  1 sms:job:<id>   2 sms:agenda
-- ARGV  1 now (0: Redis's clock)   2 id   3 token   4 requests made under this claim   5 reason
-- Returns {"ok"}, also when this very call is repeated; {"fenced"}: the token is not the holder's any more;
--         {"settle"}: the campaign goes on no more, so the refusal is the chunk's outcome.
local f = redis.call('HMGET', KEYS[1], 'state', 'token', 'released', 'campaign', 'chunk')
if f[3] == ARGV[3] then return {'ok'} end
if f[2] ~= ARGV[3] or SETTLED[f[1]] then return {'fenced'} end
local key = campaign_key(f[4])
local state = redis.call('HMGET', key, 'state', 'paused')
if state[1] ~= 'running' then return {'settle'} end
if not state[2] or state[2] == '' then redis.call('HSET', key, 'paused', ARGV[5]) end
redis.call('HINCRBY', KEYS[1], 'attempts', num(ARGV[4]))
redis.call('HSET', KEYS[1], 'released', ARGV[3])
park_chunk(KEYS[1], KEYS[2], ARGV[2], f[4], f[5])
return {'ok'}
