-- Write a job's final outcome, once. Its numbers and parameters leave Redis with this step.
--
-- KEYS  1 sms:job:<id>   2 sms:agenda   3 where Celery's result is stored with it; left out where it is not
-- ARGV  1 now (0: Redis's clock)   2 id   3 token, "" for a job that nobody holds   4 state   5 outcome JSON
--       6 ms for which the outcome is kept   7 ms after which the sweep asks whether the result was stored, or 0
--       8 what a campaign counts it under   9 Celery's result
-- Returns {"ok", followers}: settled, by this call or by an earlier one with the same token;
--         {"settled", outcome JSON, followers}: it has another outcome already;  {"fenced"};  {"missing"}
local f = redis.call('HMGET', KEYS[1], 'state', 'token', 'outcome', 'followers', 'settled_by', 'key', 'campaign',
  'chunk', 'expires')
local state, token = f[1], f[2]
if not state then return {'missing'} end
if SETTLED[state] then
  if f[5] == ARGV[3] and f[3] == ARGV[5] then return {'ok', f[4] or ''} end
  return {'settled', f[3] or '', f[4] or ''}
end
-- A stale holder cannot overwrite; but that Aliyun accepted is a fact whoever brings it, and stops a resend.
if token ~= ARGV[3] and ARGV[4] ~= 'accepted' then return {'fenced'} end
-- Without a token only what still waits to be sent is settled: a worker may have been at it since the sweep looked.
if ARGV[3] == '' and state ~= 'queued' then return {'fenced'} end
local now = now_ms(ARGV[1])
-- A chunk that had expired when the sweep looked may have been held by its campaign, or begun anew, since.
if ARGV[3] == '' and f[7] and num(f[9]) > now then return {'fenced'} end
local store_at = num(ARGV[7]) > 0 and now + num(ARGV[7]) or nil
write_outcome(KEYS[1], KEYS[2], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6], store_at)
if f[6] and f[6] ~= '' then redis.call('PEXPIRE', f[6], ARGV[6]) end
if KEYS[3] then
  redis.call('SET', KEYS[3], ARGV[9], 'PX', ARGV[6])
  redis.call('PUBLISH', KEYS[3], ARGV[9])
end
if f[7] then count_chunk(f[7], f[8], ARGV[4], ARGV[8], ARGV[5], now) end
return {'ok', f[4] or ''}
