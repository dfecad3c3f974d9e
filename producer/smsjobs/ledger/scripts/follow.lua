-- Have the outcome of a job stored under one more Celery task id.
--
-- Returns the outcome if the job is already settled, else "".
-- replicated
local job = unpack(KEYS)
local task_id = unpack(ARGV)
local f = fields(job, 'outcome', 'followers', 'state')
-- A receipt may still settle what is unknown.
if f.outcome and f.state ~= UNKNOWN then return f.outcome end
-- The job's retention is over. An entry made now would never expire.
if not f.state then return '' end
local followers = f.followers or ''
if not string.find(' ' .. followers .. ' ', ' ' .. task_id .. ' ', 1, true) then
  redis.call('HSET', job, 'followers', followers == '' and task_id or followers .. ' ' .. task_id)
end
return f.outcome or ''
