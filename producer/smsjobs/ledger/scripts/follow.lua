-- Have the outcome of a job stored under one more Celery task id.
--
-- Returns the outcome if the job is already settled, else ""; "full" if too many follow it already.
-- replicated
local job = unpack(KEYS)
local task_id, most = unpack(ARGV)
local f = fields(job, 'outcome', 'followers', 'state')
-- A receipt may still settle what is unknown.
if f.outcome and f.state ~= UNKNOWN then return f.outcome end
-- The job's retention is over. An entry made now would never expire.
if not f.state then return '' end
local followers = f.followers or ''
if not string.find(' ' .. followers .. ' ', ' ' .. task_id .. ' ', 1, true) then
  if #followers >= num(most) then return 'full' end
  redis.call('HSET', job, 'followers', followers == '' and task_id or followers .. ' ' .. task_id)
end
return f.outcome or ''
