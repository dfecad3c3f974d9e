-- Write a job's final outcome, once. Its numbers and parameters leave Redis with this step.
--
-- result_key is where Celery's result is stored with it; it is left out where it is not.
-- token is "" for a job that nobody holds; keep is for how long (ms) the outcome is kept; store_after is after how long
-- (ms) the sweep asks whether the result was stored, or 0; label is what a campaign counts it under.
--
-- Returns {"ok", followers}: settled, by this call or by an earlier one with the same token;
--         {"settled", outcome, followers}: it has another outcome already;  {"fenced"};  {"missing"}
-- include ledger/jobs, ledger/campaigns
local job, agenda, result_key = unpack(KEYS)
local now, id, token, state, outcome, keep, store_after, label, result = unpack(ARGV)
local f = fields(job, 'state', 'token', 'outcome', 'followers', 'settled_by', 'key', 'campaign', 'chunk', 'expires')
if not f.state then return {'missing'} end
if SETTLED[f.state] then
  if f.settled_by == token and f.outcome == outcome then return {'ok', f.followers or ''} end
  return {'settled', f.outcome or '', f.followers or ''}
end
-- A stale holder cannot overwrite; but that Aliyun accepted is a fact whoever brings it, and stops a resend.
if f.token ~= token and state ~= ACCEPTED then return {'fenced'} end
-- Without a token only what still waits to be sent is settled: a worker may have been at it since the sweep looked.
if token == '' and f.state ~= QUEUED then return {'fenced'} end
now = now_ms(now)
-- A chunk that had expired when the sweep looked may have been held by its campaign, or begun anew, since.
if token == '' and f.campaign and num(f.expires) > now then return {'fenced'} end
write_outcome(id, token, state, outcome, keep, num(store_after) > 0 and now + num(store_after) or nil)
if f.key and f.key ~= '' then redis.call('PEXPIRE', f.key, keep) end
if result_key then
  redis.call('SET', result_key, result, 'PX', keep)
  redis.call('PUBLISH', result_key, result)
end
if f.campaign then count_chunk(f.campaign, f.chunk, state, label, outcome, now) end
return {'ok', f.followers or ''}
