-- advance: write down how one attempt ended and what the next one will be, before the next provider is called.
-- KEYS  1  the job          2  the user's leases
-- ARGV  1  lease id         2  user (base64url)   3  digest
--       4  run              5  attempt that ended
--       6  its cost event, or '' if it never reached a provider
--       7  intent of the next attempt
--       8  lease length, ms                       9  how long an unfinished job is kept, ms
-- RETURNS  'advanced' | 'lost' (somebody else holds the job now; the attempt was declared unknown)
-- Repeating it changes nothing.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lease_length = tonumber(ARGV[8])

local job = redis.call('HMGET', KEYS[1], 'state', 'lease', 'run')
if job[3] and not (job[1] == 'running' and job[2] == ARGV[1]) then
  return 'lost'
end
if ARGV[6] ~= '' then
  redis.call('HSET', KEYS[1], 'cost:' .. ARGV[5], ARGV[6])
end
redis.call('HSET', KEYS[1], 'state', 'running', 'user', ARGV[2], 'digest', ARGV[3], 'run', ARGV[4],
  'attempt', ARGV[5] + 1, 'lease', ARGV[1], 'intent', ARGV[7], 'since', now)
redis.call('PEXPIRE', KEYS[1], ARGV[9])
redis.call('ZADD', KEYS[2], now + lease_length, ARGV[1])
redis.call('PEXPIRE', KEYS[2], lease_length * 2)
return 'advanced'
