-- Write a new job down, in one step with its idempotency key.
--
-- KEYS  1 sms:job:<id>   2 sms:agenda   3 sms:key:<digest>, or "" without an idempotency key
-- ARGV  1 now (0: Redis's clock)   2 id   3 the job as JSON   4 lane   5 element   6 payload digest
--       7 expires in ms   8 countdown in ms   9 ms after which the sweep looks for a claim   10 prefix of job keys
--       11 the latest time (ms) at which it may expire, for this may be carried out long after it was asked for; 0: any
-- Returns {"recorded", id, now}: it is there and is to be published (also when this very call is repeated);
--         {"exists", id of the job that has the key, now};  {"conflict", id, now}: the key belongs to another payload.
local now = now_ms(ARGV[1])
local id = ARGV[2]
if redis.call('EXISTS', KEYS[1]) == 1 then return {'recorded', id, ms(now)} end
if KEYS[3] ~= '' then
  local marked = redis.call('GET', KEYS[3])
  if marked then
    local other, digest = string.match(marked, '^(%S+) (%S+)$')
    if other and redis.call('EXISTS', ARGV[10] .. other) == 1 then
      if digest == ARGV[6] then return {'exists', other, ms(now)} end
      return {'conflict', other, ms(now)}
    end
  end
  redis.call('SET', KEYS[3], id .. ' ' .. ARGV[6])
end
local countdown = num(ARGV[8])
local due, expires = now + countdown, now + num(ARGV[7])
if num(ARGV[11]) > 0 then expires = math.min(expires, num(ARGV[11])) end
local look, looks = now + num(ARGV[9]), 1
if countdown > 0 then look, looks = due, 0 end
redis.call('HSET', KEYS[1], 'state', 'queued', 'job', ARGV[3], 'lane', ARGV[4], 'element', ARGV[5],
  'key', KEYS[3], 'created', ms(now), 'due', ms(due), 'expires', ms(expires), 'requeue', ARGV[9],
  'looks', looks, 'attempts', 0, 'token', '')
redis.call('ZADD', KEYS[2], ms(math.min(look, expires)), id)
return {'recorded', id, ms(now)}
