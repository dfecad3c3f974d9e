-- Record a new job, in one step with its idempotency key. The key is left out if the job has none.
--
-- recipients are the digests of its numbers, see contract/recipients.py.
-- countdown, expires, requeue are in ms; latest is the latest time (ms) at which it may expire, or 0 for any. It is given
-- because this script may run long after the caller asked.
--
-- payload tells payloads apart; what of it stands before the colon says which of them can be compared.
--
-- If the job is traced, its traceparent follows.
--
-- Returns {"recorded", id, now}: it is recorded and must be published (also if this call is repeated);
--         {"exists", id of the job that has the key, now};  {"conflict", id, now}: the key, or where it is this id, the id
--         belongs to another payload.
--         {"damaged", id, now}: what is under the key is damaged; {"damaged_entry", id, now}: likewise what is under the id
-- include ledger/jobs
-- replicated
local job, agenda, key = unpack(KEYS)
local now, id, record, lane, element, digest, payload, recipients, expires, countdown, requeue, latest = unpack(ARGV, 1, 12)
now = now_ms(now)
if redis.call('EXISTS', job) == 1 then
  local f = fields(job, 'state', 'payload', 'campaign', 'created')
  if f.state then
    local kind, earlier = string.match(payload, '^[^:]*:'), f.payload or ''
    local other = string.sub(earlier, 1, #kind) == kind and earlier ~= payload
    return {(other or f.campaign) and 'conflict' or 'recorded', id, ms(now)}
  end
  if f.created then return {'damaged_entry', id, ms(now)} end
end
if key then
  local held = redis.pcall('GET', key)
  local holder, holder_digest = string.match(type(held) == 'string' and held or '', '^([%w_-]+) (%x+)$')
  if held and not holder then return {'damaged', id, ms(now)} end
  if holder and redis.call('EXISTS', job_key(holder)) == 1 then
    return {holder_digest == digest and 'exists' or 'conflict', holder, ms(now)}
  end
  redis.call('SET', key, id .. ' ' .. digest)
end
local due, last = now + num(countdown), now + num(expires)
if num(latest) > 0 then last = math.min(last, num(latest)) end
local look, looks = now + num(requeue), 1
if num(countdown) > 0 then look, looks = due, 0 end
-- The agenda comes first: if it is damaged, nothing is written.
redis.call('ZADD', agenda, ms(math.min(look, last)), id)
redis.call('HSET', job, 'state', QUEUED, 'job', record, 'lane', lane, 'element', element, 'key', key or '',
  'created', ms(now), 'due', ms(due), 'expires', ms(last), 'requeue', requeue, 'looks', looks, 'attempts', 0,
  'token', '', 'payload', payload, 'delivery', recipients)
for trace in groups(13, 1) do redis.call('HSET', job, 'trace', trace) end
return {'recorded', id, ms(now)}
