-- List campaigns again, and those as open that have not ended, because one of these keys was damaged.
--
-- Then the campaigns' ids follow.
--
-- Returns how many are open.
-- include ledger/jobs, ledger/campaigns
local agenda = unpack(KEYS)
local now = unpack(ARGV, 1, 1)
now = now_ms(now)
local open = 0
for id in groups(2, 1) do
  local ok, f = pcall(fields, campaign_key(id), 'state', 'created', 'ended')
  if ok and f.state then
    redis.call('ZADD', all_campaigns(), 'NX', is_count(f.created) and f.created or ms(now), id)
    if (f.state == RUNNING or f.state == CANCELLED) and not f.ended then
      redis.call('SADD', open_campaigns(), id)
      open = open + 1
    end
  end
end
return open
