-- vacant: the broker had no message for a claim. The bay is given back when it was empty twice, ten seconds apart, and
-- nobody holds a head of it or is about to park in it.
-- KEYS  1  prefix
-- ARGV  1  lane             2  user (base64url)   3  claim
--       4  bay              5  generation         6  commits that the claim saw
-- RETURNS  'freed' | 'kept' | 'void' (the bay is somebody else's by now)

local lane, u, bay = ARGV[1], ARGV[2], ARGV[4]
local name = room_key(lane, u)
redis.call('ZREM', P .. 'leases:' .. u, ARGV[3])
local room = redis.call('HMGET', name, 'bay', 'gen', 'commits', 'emptied', 'deck', 'deckuntil')
if room[1] ~= bay or room[2] ~= ARGV[5] then
  return 'void'
end
local n = tonumber(room[3] or 0) - tonumber(ARGV[6])
redis.call('HSET', name, 'n', n)
redis.call('ZREMRANGEBYSCORE', P .. 'begun:' .. bay, '-inf', now)
active_leases(u)
local is_out = n > 0 or redis.call('ZCARD', P .. 'begun:' .. bay) > 0 or (room[5] and tonumber(room[6]) > now)
if not is_out then
  local suffix = '#' .. bay
  for _, id in ipairs(redis.call('ZRANGE', P .. 'leases:' .. u, 0, -1)) do
    is_out = is_out or string.sub(id, -#suffix) == suffix
  end
end
if is_out then
  redis.call('HDEL', name, 'emptied')
elseif not room[4] then
  redis.call('HSET', name, 'emptied', now)
elseif now - tonumber(room[4]) >= SECOND_LOOK then
  free_bay(lane, u, bay, ARGV[5])
  arm_all(u)
  return 'freed'
end
redis.call('ZADD', P .. 'due:' .. lane, now + SECOND_LOOK, u)
arm_all(u)
return 'kept'
