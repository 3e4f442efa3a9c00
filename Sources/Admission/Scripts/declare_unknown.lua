-- declare_unknown: an attempt that began, whose holder is gone and of which no end was written, gets the event that
-- says so. Compare and set: whoever comes second changes nothing.
-- KEYS  1  the job          2  the user's leases
-- ARGV  1  run              2  attempt          3  its cost event with outcome unknown
-- RETURNS  1 declared, 0 not (any more) in that state: ask admit again

local job = redis.call('HMGET', KEYS[1], 'state', 'run', 'attempt', 'lease')
if job[1] ~= 'running' or job[2] ~= ARGV[1] or job[3] ~= ARGV[2] then
  return 0
end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if tonumber(redis.call('ZSCORE', KEYS[2], job[4]) or 0) > now then
  return 0
end
redis.call('ZREM', KEYS[2], job[4])
redis.call('HDEL', KEYS[1], 'lease', 'intent', 'since')
redis.call('HSET', KEYS[1], 'state', 'queued', 'cost:' .. ARGV[2], ARGV[3], 'unknown:' .. ARGV[2], '1')
return 1
