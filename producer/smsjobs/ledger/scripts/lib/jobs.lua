-- The ledger's keys:
--   sms:{tag}:job:<id>        hash    one entry for each job; the fields are described in ledger/entry.py
--   sms:{tag}:agenda          zset    job id by the time (ms) of the sweep's next look at it
--   sms:{tag}:key:<digest>    string  "<job id> <payload digest>" of an idempotency key

local function agenda_key() return ELEMENT .. ':agenda' end

local function job_key(id) return ELEMENT .. ':job:' .. id end

local function is_held(f) return f.token and f.token ~= '' end

-- Append tries, if there are any, to those that a job's entry has. It keeps the newest. They are described in ledger/tries.py.
local function note_tries(job, more)
  if more == '' then return end
  redis.call('HSET', job, 'tries', string.sub((redis.call('HGET', job, 'tries') or '') .. more, -800))
end

-- Handle a claimed job whose lease ran out: its worker died, or was paused, between claim and settle.
-- It is not known whether a request was sent. So one is assumed, at some time between the claim and now.
-- The changes are written to Redis and to `f`, the job's fields.
local function interrupt(job, f, now)
  if f.state == SENDING then
    local from, lost_from = num(f.claimed), num(f.lost_from)
    if lost_from > 0 and lost_from < from then from = lost_from end
    f.lost_from, f.lost_to = ms(from), ms(now)
    f.attempts = redis.call('HINCRBY', job, 'attempts', 1)
    redis.call('HSET', job, 'lost_from', f.lost_from, 'lost_to', f.lost_to)
    note_tries(job, '\n' .. f.claimed .. ' interrupted')
  end
  f.state, f.token, f.interrupted = LOOKING_UP, '', '1'
  redis.call('HSET', job, 'state', LOOKING_UP, 'token', '', 'due', ms(now), 'looks', 0, 'interrupted', 1,
    'cause', 'interrupted')
end
