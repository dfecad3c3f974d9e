-- What a receipt proves about its job: Aliyun accepted it.
-- Needs ledger/jobs, ledger/campaigns and ledger/failed before it.

-- Whether a receipt settles the job: it has no outcome yet, or the outcome "unknown". What was refused stays refused.
local function is_settled_by_receipt(f) return f.state == UNKNOWN or not SETTLED[f.state] end

-- Settle the job as accepted. `f` are its fields. It is the only change of an outcome that exists. The sweep stores Celery's
-- result again, for followers too. The outcome is written in its short form. Python's `outcome_json` makes JSON of it.
local function settle_by_receipt(id, f, biz_id, keep, now)
  -- The request of the holder's claim is not counted yet.
  local attempts = math.max(1, num(f.attempts) + (f.state == SENDING and 1 or 0))
  local outcome = string.format('receipt %d %s', attempts, biz_id)
  write_outcome(id, '', ACCEPTED, outcome, keep, now)
  if f.key and f.key ~= '' then redis.call('PEXPIRE', f.key, keep) end
  if f.state == UNKNOWN then redis.pcall('ZREM', failed_key(), id) end
  if not f.campaign then return end
  if f.state == UNKNOWN then
    recount_chunk(f.campaign, f.chunk, UNKNOWN, f.label, ACCEPTED, 'OK', outcome, now)
  else
    count_chunk(f.campaign, f.chunk, ACCEPTED, 'OK', outcome, now)
  end
end
