-- Give a claimed job back until its due time. Nobody holds it until then.
--
-- state is the state to wait in, "queued" or "looking_up".
-- delay is in ms.
-- attempts are the requests made under this claim.
-- lost_from and lost_to are the first and last time (ms) at which an answer was lost, or 0.
-- resent is 1 if it is sent again after a lost answer.
-- cause is why it waits, a stable word; tries are those of this claim, as text.
--
-- Returns {"ok"}, also if this call is repeated; {"fenced"}: the token no longer holds the job.
-- include ledger/jobs
-- include when needed: ledger/campaigns, ledger/damage
-- replicated
local job, agenda = unpack(KEYS)
local now, id, token, state, delay, attempts, lost_from, lost_to, resent, cause, tries = unpack(ARGV)
now = now_ms(now)
local f = fields(job, 'state', 'token', 'released', 'expires', 'campaign', 'chunk', 'attempts')
if f.released == token then return {'ok'} end
if f.token ~= token or SETTLED[f.state] then return {'fenced'} end
local due = now + num(delay)
redis.call('HINCRBY', job, 'attempts', num(attempts))
redis.call('HSET', job, 'state', state, 'token', '', 'released', token, 'due', ms(due), 'looks', 0,
  'lost_from', lost_from, 'lost_to', lost_to, 'resent', resent, 'cause', cause)
note_tries(job, tries)
-- A job that waits to be sent is settled when it expires. A job that is looked up is looked up to the end.
if state == QUEUED then due = math.min(due, num(f.expires)) end
redis.call('ZADD', agenda, ms(due), id)
-- The campaign may have been cancelled during the claim. Then the chunk is settled now.
if f.campaign and state == QUEUED and num(lost_from) == 0 and not campaign_damage(f.campaign)
  and campaign_says(f.campaign, now) == 'cancelled' then
  cancel_chunk(id, f.campaign, f.chunk, num(f.attempts) + num(attempts), now)
end
return {'ok'}
