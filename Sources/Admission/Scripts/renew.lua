-- renew: keep the lease of a running job, and put back what a loss of Redis took away.
-- KEYS  1  epoch            2  the job   3  the user's leases
-- ARGV  1  run_id           2  lease id  3  user (base64url)   4  digest
--       5  run              6  attempt   7  intent of that attempt
--       8  lease length, ms              9  how long an unfinished job is kept, ms
-- RETURNS  'renewed' | 'restored' (the job was gone and is written again) | 'lost' (somebody else holds the job now)
-- A lease that ran out but was not taken over is simply held again. A job without a run is one that another delivery
-- saw waiting after the loss: it is restored too.

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local lease_length = tonumber(ARGV[8])

local epoch = redis.call('GET', KEYS[1])
if not epoch or string.sub(epoch, 1, #ARGV[1]) ~= ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1] .. ':' .. string.format('%d', now + lease_length))
end

local job = redis.call('HMGET', KEYS[2], 'state', 'lease', 'run')
local answer = 'renewed'
if not job[1] or not job[3] then
  redis.call('HSET', KEYS[2], 'state', 'running', 'user', ARGV[3], 'digest', ARGV[4], 'run', ARGV[5],
    'attempt', ARGV[6], 'lease', ARGV[2], 'intent', ARGV[7], 'since', now)
  answer = 'restored'
elseif job[1] ~= 'running' or job[2] ~= ARGV[2] then
  return 'lost'
end
redis.call('ZADD', KEYS[3], now + lease_length, ARGV[2])
redis.call('PEXPIRE', KEYS[3], lease_length * 2)
redis.call('PEXPIRE', KEYS[2], ARGV[9])
return answer
