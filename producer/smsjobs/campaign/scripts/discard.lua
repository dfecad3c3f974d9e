-- Forget a campaign whose plan is not complete. Nothing of it was sent. A cancelled campaign ends with the rows read so far.
-- Neither is done if another planner owns the plan and is alive, because its file may be readable.
--
-- pages: forget it only if it has this many pages, or "" for any number.
--
-- Returns {"forgotten"}, also if this call is repeated; {"kept"}: it is cancelled or complete, or has another number of
--         pages; {"others"}: another planner owns the plan
-- include ledger/jobs, ledger/campaigns
-- replicated
local campaign = unpack(KEYS)
local now, id, generation, planner, pages = unpack(ARGV)
now = now_ms(now)
local f = fields(campaign, 'state', 'generation', 'pages', 'owner', 'owner_lives')
if not f.state or f.generation ~= generation then return {'forgotten'} end
local others = f.owner ~= planner and num(f.owner_lives) > now
if f.state == CANCELLED and not others then
  redis.call('HSET', campaign, 'planner', 0)
  end_campaign(id, now)
end
if f.state ~= PLANNING or (pages ~= '' and f.pages ~= pages) then return {'kept'} end
if others then return {'others'} end
redis.call('DEL', campaign)
for _, part in ipairs({'pages', 'rows', 'params', 'pending'}) do redis.call('DEL', campaign .. ':' .. part) end
redis.call('ZREM', all_campaigns(), id)
return {'forgotten'}
