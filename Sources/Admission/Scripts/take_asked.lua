-- take_asked: names that parents asks billing for, those that wait longest first. Each is taken once, and its user has the
-- place again.
-- KEYS  1  prefix
-- ARGV  1  how many at most
-- RETURNS  {job id...}

local ids, places = {}, {}
local taken = redis.call('ZPOPMIN', P .. 'asked', ARGV[1])
for index = 1, #taken, 2 do
  local u, id = string.match(taken[index], '^(%S+) (%S+)$')
  if u then
    ids[#ids + 1] = id
    places[u] = (places[u] or 0) + 1
  end
end
for u, count in pairs(places) do
  if redis.call('HINCRBY', P .. 'asked_by', u, -count) <= 0 then
    redis.call('HDEL', P .. 'asked_by', u)
  end
end
return ids
