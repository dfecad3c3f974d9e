-- Write a job's final outcome, once. This step removes its numbers and parameters from Redis.
--
-- result_key is the key under which Celery's result is stored too. It is left out if this step stores no result.
-- token is "" for a job that nobody holds.
-- keep is how long (ms) the outcome is kept.
-- store_after is the time (ms) after which the sweep checks that Celery's result was stored, or 0 for no check.
-- kept is what else is kept. Of an accepted job: "<delay of the first pull (ms)> <delay of the last one> <its numbers, sealed>"
-- if its deliveries are to be pulled; only the delay of the last one if nobody is asked; else "". Of any other: how long (ms) its payload is kept, if it surely was not sent.
-- label is the word under which a campaign counts the outcome; attempts are all requests that were made.
-- halve is 1 for a refused chunk whose halves are to be sent in its place, else 0.
-- tries are those of this claim, as text, if they are to be kept.
--
-- Returns {"ok", followers}: settled, by this call or by an earlier one with the same token;
--         {"ok", followers, what was set aside, what is wrong}: likewise, but its campaign could not count it;
--         {"settled", outcome, followers}: it already has another outcome;  {"fenced"};  {"missing"}
-- include ledger/jobs, ledger/outcomes
-- include when needed: ledger/campaigns, ledger/damage, ledger/pulls, ledger/failed
-- replicated
local job, agenda, result_key = unpack(KEYS)
local now, id, token, state, outcome, keep, store_after, label, attempts, kept, result,
  halve, tries = unpack(ARGV)
local f = fields(job, 'state', 'token', 'followers', 'key', 'campaign', 'delivery')
if not f.state then return {'missing'} end
if SETTLED[f.state] then
  read(f, job, 'outcome', 'settled_by')
  if f.settled_by == token and f.outcome == outcome then return {'ok', f.followers or ''} end
  return {'settled', f.outcome or '', f.followers or ''}
end
-- A holder whose claim ran out cannot settle. But an acceptance is a fact, whoever reports it, and it prevents a resend.
if f.token ~= token and state ~= ACCEPTED then return {'fenced'} end
-- Without a token, only a job that still waits to be sent is settled: a worker may have claimed it after the sweep looked.
if token == '' and f.state ~= QUEUED then return {'fenced'} end
now = now_ms(now)
if f.campaign then read(f, job, 'chunk', 'expires') end
-- A chunk that had expired when the sweep looked may since have been held by its campaign, or made a job again.
if token == '' and f.campaign and num(f.expires) > now then return {'fenced'} end
-- The outcome is a fact. If the campaign is damaged, the count is set aside, as `set_aside` does, and loses nothing.
local uncounted = f.campaign and campaign_damage(f.campaign, label)
if uncounted then
  local item = 'count:' .. id
  local what = table.concat({f.campaign, f.chunk, state, label, outcome}, '\n')
  redis.call('HSET', ELEMENT .. ':aside:what', item, what)
  redis.call('HSET', ELEMENT .. ':aside', item, ms(now) .. ' its campaign: ' .. uncounted)
end
if state ~= ACCEPTED and not f.campaign then note_failure(id, state, kept, now) end
write_outcome(id, token, state, outcome, keep, num(store_after) > 0 and now + num(store_after) or nil, halve == '1')
note_tries(job, tries)
-- A receipt may still settle what is unknown, and needs these then.
if state == UNKNOWN then redis.call('HSET', job, 'label', label, 'attempts', attempts) end
local last, numbers
if state == ACCEPTED and kept ~= '' then
  local first
  first, last, numbers = string.match(kept, '^(%d+) (%d+) (.+)$')
  last = num(last or kept)
  if numbers then
    pull_later(id, redis.call('HGET', job, 'lane'), numbers, num(first), last, now)
  elseif f.delivery then  -- an older version kept none
    end_unasked(id, f.delivery, last, num(keep), now)
  end
end
if state == ACCEPTED and (numbers or not f.campaign) then redis.call('HSET', job, 'accepted_at', ms(now)) end
if f.key and f.key ~= '' then redis.call('PEXPIRE', f.key, keep) end
if result_key then
  redis.call('SET', result_key, result, 'PX', keep)
  redis.call('PUBLISH', result_key, result)
end
if uncounted then return {'ok', f.followers or '', 'count:' .. id, 'its campaign: ' .. uncounted} end
if f.campaign and halve == '1' then
  halve_chunk(f.campaign, f.chunk, now)
elseif f.campaign then
  count_chunk(f.campaign, f.chunk, state, label, outcome, now, last, numbers ~= nil)
end
return {'ok', f.followers or ''}
