-- Jobs that did not end well, so that they can be listed and sent again. A job that is accepted touches nothing of this.
-- Chunks are not among them: their campaign counts and reports each recipient.
--   sms:{tag}:failed       zset    job id by the time (ms) of its outcome
--   sms:{tag}:retry:<id>   string  the job as it was recorded, sealed as ever, as long as it may be sent again

local function failed_key() return ELEMENT .. ':failed' end

local function retry_key(id) return ELEMENT .. ':retry:' .. id end

-- Note that a job ends so, before its outcome is written: that removes its numbers, its parameters and its times.
--
-- retryable is how long (ms) they are kept. They are not kept of a job that may have been sent.
local function note_failure(id, state, retryable, now)
  -- If the list is damaged, the job gets its outcome all the same. The sweep sets the list aside.
  redis.pcall('ZADD', failed_key(), ms(now), id)
  local f = fields(job_key(id), 'job', 'delivery', 'due', 'expires')
  if f.due then redis.call('HSET', job_key(id), 'times', f.due .. ' ' .. (f.expires or f.due)) end
  if state == UNKNOWN then return end
  if f.delivery and is_count(string.sub(f.delivery, 1, 1)) then
    redis.call('HSET', job_key(id), 'recipients', ms((#f.delivery - 2) / num(string.sub(f.delivery, 1, 1))))
  end
  if f.job and num(retryable) > 0 then redis.call('SET', retry_key(id), f.job, 'PX', retryable) end
end

-- Take those off the list whose outcome is not kept any more. The rest waits for the next call.
local function forget_failures(before)
  local gone = redis.call('ZRANGEBYSCORE', failed_key(), '-inf', ms(before), 'LIMIT', 0, 1000)
  if #gone > 0 then redis.call('ZREM', failed_key(), unpack(gone)) end
end
