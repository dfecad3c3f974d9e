-- Claim a job for one worker, before any request is made. The answer decides what the worker does.
--
-- lease is in ms; token is the claimer's.
-- member is the member of a group that makes the next request, and is written down here; "" for an element that is no group, and
-- for the first claim of a run. With a member, only whoever holds the job already is granted it.
--
-- Returns {"granted", state, job JSON, attempts, expires, now, created};
--           of a job with a past, these follow: lost_from, lost_to, interrupted, resent, the member that was written down last;
--           of a chunk, these follow too: its recipients and parameters, packed. Its job JSON is its campaign's.
--         {"settled", outcome, followers}   {"in_flight"}   {"not_due"}   {"missing"}
--         {"damaged", what is wrong}: nothing was changed
-- include ledger/jobs, ledger/entry_damage
-- include when needed: ledger/campaigns, ledger/damage
-- replicated
local job, agenda = unpack(KEYS)
local now, id, token, lease, member = unpack(ARGV)
now = now_ms(now)
local f = fields(job, 'state', 'token', 'due', 'expires', 'attempts', 'created', 'job', 'lost_from', 'campaign')
if SETTLED[f.state] then read(f, job, 'outcome', 'followers') end
if is_held(f) then read(f, job, 'lease', 'claimed') end
if f.lost_from then read(f, job, 'lost_to', 'interrupted', 'resent', 'member') end
if f.campaign then read(f, job, 'chunk', 'followers') end
if not f.state and redis.call('EXISTS', job) == 0 then return {'missing'} end
local damage = damage_of(f, now, f.created)
if damage then return {'damaged', damage} end
if SETTLED[f.state] then return {'settled', f.outcome or '', f.followers or ''} end
-- A campaign that is damaged pauses at the next feed.
if f.campaign and campaign_damage(f.campaign) then return {'not_due'} end
if member ~= '' and f.token ~= token then return {'in_flight'} end
local lease_ends = ms(now + num(lease))
-- A claim is repeated if its answer was lost. Its own token must not stop it then.
if f.token ~= token then
  if is_held(f) then
    if num(f.lease) > now then return {'in_flight'} end
    interrupt(job, f, now)
    read(f, job, 'member')
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
  redis.call('HSET', job, 'state', f.state, 'token', token, 'claimed', ms(now), 'lease', lease_ends)
else
  -- The claimer counts its lease from the answer that it received.
  redis.call('HSET', job, 'lease', lease_ends)
  if member ~= '' then redis.call('HSET', job, 'member', member) end
end
redis.call('ZADD', agenda, lease_ends, id)
local answer = {'granted', f.state, f.job or '', f.attempts, f.expires, ms(now), f.created}
if f.lost_from or f.campaign then
  for i, name in ipairs({'lost_from', 'lost_to', 'interrupted', 'resent'}) do answer[7 + i] = f[name] or '0' end
  answer[12] = f.member or ''
end
if f.campaign then
  local campaign, number = campaign_key(f.campaign), number_of(f.chunk)
  answer[3] = redis.call('HGET', campaign, 'job') or ''
  answer[13] = redis.call('HGET', campaign .. ':rows', number) or ''
  answer[14] = redis.call('HGET', campaign .. ':params', number) or ''
end
return answer
