-- Send a job again that was rejected or not sent: record a new job with its payload, which takes over its idempotency key.
-- A job is sent again once. Whoever asks again gets the same new job.
--
-- of is the id of the old job, and id that of the new one. recipients, expires, requeue and latest are as in record.lua.
-- If the job is traced, its traceparent follows.
--
-- Returns {"recorded", id, now}: it must be published (also if this call is repeated);
--         {"exists", id of the new job that was made before, now};
--         {"too_late", "", now}: its payload is not kept any more, or it has no such outcome (any more)
-- include ledger/jobs, ledger/failed
-- replicated
local job, agenda, old = unpack(KEYS)
local now, id, of, record, lane, element, recipients, expires, requeue, latest = unpack(ARGV, 1, 10)
now = now_ms(now)
local f = fields(old, 'state', 'key', 'retried_as')
if f.retried_as then return {f.retried_as == id and 'recorded' or 'exists', f.retried_as, ms(now)} end
local may_be = f.state == REJECTED or f.state == NOT_SENT
if not may_be or redis.call('EXISTS', retry_key(of)) == 0 then return {'too_late', '', ms(now)} end
local key = f.key or ''
local held = key ~= '' and redis.pcall('GET', key)
local holder, digest = string.match(type(held) == 'string' and held or '', '^([%w_-]+) (%x+)$')
local last = math.min(now + num(expires), num(latest))
redis.call('ZADD', agenda, ms(math.min(now + num(requeue), last)), id)
redis.call('HSET', job, 'state', QUEUED, 'job', record, 'lane', lane, 'element', element,
  'key', holder == of and key or '', 'created', ms(now), 'due', ms(now), 'expires', ms(last), 'requeue', requeue,
  'looks', 1, 'attempts', 0, 'token', '', 'payload', '', 'delivery', recipients)
for trace in groups(11, 1) do redis.call('HSET', job, 'trace', trace) end
if holder == of then redis.call('SET', key, id .. ' ' .. digest) end
redis.call('HSET', old, 'retried_as', id)
redis.call('DEL', retry_key(of))
-- The new job stands for it from now on.
redis.pcall('ZREM', failed_key(), of)
return {'recorded', id, ms(now)}
