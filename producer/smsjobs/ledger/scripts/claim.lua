-- Claim a job for one worker, before any request is made. The answer decides what the worker does.
--
-- lease is in ms; token is the claimer's.
--
-- Returns {"granted", state, job JSON, attempts, lost_from, lost_to, expires, now, interrupted, resent, created};
--           for a chunk, the job JSON is its campaign's, and the chunk's recipients and parameters follow, packed
--         {"settled", outcome, followers}   {"in_flight"}   {"not_due"}   {"missing"}
--         {"damaged", what is wrong}: nothing was changed
-- include ledger/jobs, ledger/campaigns, ledger/damage, ledger/entry_damage
-- replicated
local job, agenda = unpack(KEYS)
local now, id, token, lease = unpack(ARGV)
now = now_ms(now)
local f = fields(job, 'state', 'token', 'lease', 'due', 'claimed', 'outcome', 'followers', 'campaign', 'chunk', 'job',
  'attempts', 'lost_from', 'lost_to', 'expires', 'interrupted', 'resent', 'created')
if not f.state and redis.call('EXISTS', job) == 0 then return {'missing'} end
local damage = damage_of(f, now, f.created)
if damage then return {'damaged', damage} end
if SETTLED[f.state] then return {'settled', f.outcome or '', f.followers or ''} end
-- A campaign that is damaged pauses at the next feed.
if f.campaign and campaign_damage(f.campaign) then return {'not_due'} end
-- A claim is repeated if its answer was lost. Its own token must not stop it then.
if f.token ~= token then
  if is_held(f) then
    if num(f.lease) > now then return {'in_flight'} end
    interrupt(job, f, now)
  elseif num(f.due) > now then
    return {'not_due'}
  elseif f.campaign and f.state == QUEUED and num(f.lost_from) == 0 then
    -- Nothing of this chunk was sent. So a pause takes effect here.
    local says = campaign_says(f.campaign, now)
    if says == 'hold' then
      park_chunk(id, f.campaign, f.chunk)
      return {'not_due'}
    elseif says == 'cancelled' then
      return {'settled', cancel_chunk(id, f.campaign, f.chunk, num(f.attempts), now), f.followers or ''}
    end
  end
  if f.state == QUEUED then f.state = SENDING end
  redis.call('HSET', job, 'state', f.state, 'token', token, 'claimed', ms(now))
end
-- For a repeated claim too: the claimer counts its lease from the answer that it received.
local lease_ends = ms(now + num(lease))
redis.call('HSET', job, 'lease', lease_ends)
redis.call('ZADD', agenda, lease_ends, id)
local answer = {'granted', f.state, f.job or '', f.attempts or '0', f.lost_from or '0', f.lost_to or '0',
  f.expires or '0', ms(now), f.interrupted or '0', f.resent or '0', f.created or '0'}
if f.campaign then
  local campaign, number = campaign_key(f.campaign), number_of(f.chunk)
  answer[3] = redis.call('HGET', campaign, 'job') or ''
  answer[12] = redis.call('HGET', campaign .. ':rows', number) or ''
  answer[13] = redis.call('HGET', campaign .. ':params', number) or ''
end
return answer
