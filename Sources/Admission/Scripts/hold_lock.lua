-- hold_lock: of several processes that could do a thing one does it.
-- KEYS  1  prefix
-- ARGV  1  name of the lock
--       2  who asks           3  how long it is held without being asked for again, ms
-- RETURNS  1 held by the one who asks, 0 by another

local key = P .. ARGV[1]
local holder = redis.call('GET', key)
if holder and holder ~= ARGV[2] then
  return 0
end
redis.call('SET', key, ARGV[2], 'PX', ARGV[3])
return 1
