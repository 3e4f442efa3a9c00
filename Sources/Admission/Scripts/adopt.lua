-- adopt: a bay with messages whose owner Redis does not know goes to the user of its head.
-- KEYS  1  prefix
-- ARGV  1  lane             2  user (base64url)
--       3  bay              4  messages in it
-- RETURNS  'adopted' | 'owned' (it has an owner already) | 'taken' (the user has another bay in this lane: drain this one)

local lane, u, bay = ARGV[1], ARGV[2], ARGV[3]
local entry = redis.call('HGET', P .. 'bays', bay)
if entry and string.sub(entry, -1) ~= '-' then
  return 'owned'
end
local name = room_key(lane, u)
if redis.call('HGET', name, 'bay') then
  return 'taken'
end
local generation = int(tonumber(entry and string.match(entry, '^%d+') or 0) + 1)
redis.call('SREM', P .. 'free', bay)
redis.call('HSET', P .. 'bays', bay, generation .. ' ' .. lane .. ':' .. u)
if tonumber(redis.call('HGET', P .. 'bays', 'made') or 0) < tonumber(bay) then
  redis.call('HSET', P .. 'bays', 'made', bay)
end
redis.call('HSET', name, 'bay', bay, 'gen', generation, 'open', '1', 'n', ARGV[4], 'limit', 1, 'stamp', '')
redis.call('PERSIST', name)
set_rooms(u, lane, true)
redis.call('ZADD', P .. 'due:' .. lane, now, u)
count_line(lane, u, ARGV[4], false)
return 'adopted'
