-- Take a job for one worker, before any request is made. What it returns decides what the worker does.
--
-- KEYS  1 sms:job:<id>   2 sms:agenda
-- ARGV  1 now (0: Redis's clock)   2 id   3 the claimer's token   4 lease in ms
-- Returns {"granted", state, job JSON, attempts, lost_from, lost_to, expires, now, interrupted, resent}, for a chunk
--         its campaign's JSON, and besides its recipients and their parameters, packed
--         {"settled", outcome JSON, followers}   {"in_flight"}   {"not_due"}   {"missing"}
local now = now_ms(ARGV[1])
local f = redis.call('HMGET', KEYS[1], 'state', 'token', 'lease', 'due', 'claimed', 'outcome', 'lost_from', 'followers',
  'campaign', 'chunk', 'attempts')
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
  elseif f[9] and state == 'queued' and num(f[7]) == 0 then
    -- A chunk of which nothing was sent: here a pause takes effect, before anything is.
    local says = campaign_says(f[9], now)
    if says == 'hold' then
      park_chunk(KEYS[1], KEYS[2], ARGV[2], f[9], f[10])
      return {'not_due'}
    elseif says == 'cancelled' then
      return {'settled', cancel_chunk(KEYS[1], KEYS[2], ARGV[2], f[9], f[10], num(f[11]), now), f[8] or ''}
    end
  end
  if state == 'queued' then state = 'sending' end
  redis.call('HSET', KEYS[1], 'state', state, 'token', ARGV[3], 'claimed', ms(now))
end
-- Also where it is repeated: the claimer's lease begins with the answer that it got.
local lease = now + num(ARGV[4])
redis.call('HSET', KEYS[1], 'lease', ms(lease))
redis.call('ZADD', KEYS[2], ms(lease), ARGV[2])
local g = redis.call('HMGET', KEYS[1], 'job', 'attempts', 'lost_from', 'lost_to', 'expires', 'interrupted', 'resent')
local answer = {'granted', state, g[1] or '', g[2] or '0', g[3] or '0', g[4] or '0', g[5] or '0', ms(now), g[6] or '0',
  g[7] or '0'}
if f[9] then
  local key, n = campaign_key(f[9]), split_chunk(f[10])
  answer[3] = redis.call('HGET', key, 'job') or ''
  answer[11] = redis.call('HGET', key .. ':rows', n) or ''
  answer[12] = redis.call('HGET', key .. ':params', n) or ''
end
return answer
