-- probe: the right to try whether a scope that rests serves again: one call at a time, none before its rest is over.
-- KEYS  1  prefix
-- ARGV  1  scope
--       2  who wants to probe; one that holds the probe already goes on holding it
--       3  how long the probe may take, ms, at most 10 minutes; after that another one may have it
--       4  how long after the end of the rest others go first, ms
-- RETURNS  1 yours, 0 not: it serves, it was taken out by hand, it is too early, or another one probes

-- No rest and no probe is longer. One that is can only be of a clock that was set back.
local LONGEST = 600000

local text = redis.call('HGET', P .. 'breakers', ARGV[1])
local reason, since, at, length, ends, holder = string.match(text or '', '^(%S+) (%d+) (%d+) (%d+) (%d+) (.*)$')
if not reason or reason == 'hand' then
  return 0
end
local function is_ahead(instant)
  return tonumber(instant) > now and tonumber(instant) <= now + LONGEST
end
if is_ahead(at) or is_ahead(at + ARGV[4]) or (is_ahead(ends) and holder ~= ARGV[2]) then
  return 0
end
redis.call('HSET', P .. 'breakers', ARGV[1], reason .. ' ' .. since .. ' ' .. at .. ' ' .. length .. ' ' ..
  int(now + math.min(LONGEST, tonumber(ARGV[3]))) .. ' ' .. ARGV[2])
return 1
