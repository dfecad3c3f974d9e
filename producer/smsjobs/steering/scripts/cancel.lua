-- Cancel a job that waits to be sent. Of this step and a claim in the same moment, one wins.
--
-- keep is how long (ms) the outcome is kept, and retryable how long its numbers and parameters are.
--
-- Returns {"cancelled"}, also if this call is repeated;
--         {"too_late"}: it has another outcome, a worker holds it, or it may have been sent;
--         {"chunk"}: it is a campaign's;  {"missing"};  {"damaged", what is wrong}: nothing was changed
-- include ledger/jobs, ledger/outcomes, ledger/campaigns, ledger/entry_damage, ledger/failed
-- replicated
local job, agenda = unpack(KEYS)
local now, id, keep, retryable = unpack(ARGV)
now = now_ms(now)
local f = fields(job, 'state', 'token', 'lease', 'due', 'claimed', 'outcome', 'campaign', 'chunk', 'attempts',
  'lost_from', 'lost_to', 'expires', 'interrupted', 'resent', 'created', 'key')
if not f.state and redis.call('EXISTS', job) == 0 then return {'missing'} end
local damage = damage_of(f, now, f.created)
if damage then return {'damaged', damage} end
if f.campaign then return {'chunk'} end
if SETTLED[f.state] then return {string.find(f.outcome, '^cancelled %d') and 'cancelled' or 'too_late'} end
if is_held(f) or f.state ~= QUEUED or num(f.lost_from) > 0 then return {'too_late'} end
note_failure(id, NOT_SENT, retryable, now)
-- The sweep stores Celery's result: a producer has no result backend. Python's `outcome_json` makes JSON of the outcome.
write_outcome(id, '', NOT_SENT, 'cancelled ' .. f.attempts, keep, now)
if f.key and f.key ~= '' then redis.call('PEXPIRE', f.key, keep) end
return {'cancelled'}
