-- renew: keep the lease of a running job, and put back what a loss of Redis took away.
-- KEYS  1  prefix
-- ARGV  1  run_id           2  lease id  3  user (base64url)   4  digest
--       5  run              6  attempt   7  intent of that attempt
--       8  lease length, ms              9  how long an unfinished job is kept, ms
--      10  job id          11  month that the run is charged to
--      12  worst case of the attempt: '<nano-USD> <tokens> <audio ms> <video ms> <jobs>', '' when nothing is limited
--      13  '1' if the intent is another one than was written when the attempt began, else '0'
-- RETURNS  'renewed' | 'restored' (the job was gone and is written again) | 'lost' (somebody else holds the job now)
-- A lease that ran out but was not taken over is simply held again. A job without a run is one that another delivery
-- saw waiting after the loss: it is restored too.

local u, lease, job_key = ARGV[3], ARGV[2], P .. 'job:' .. ARGV[10]
epoch_of(ARGV[1], tonumber(ARGV[8]))

local job = redis.call('HMGET', job_key, 'state', 'lease', 'run', 'lane', 'why', 'attempt')
local answer = 'renewed'
if not job[1] or not job[3] then
  if job[1] == 'waiting' then
    count_wait(job[4], job[5], -1, u)
    redis.call('HDEL', job_key, 'lane', 'why', 'seq', 'at', 'until')
  end
  redis.call('HSET', job_key, 'state', 'running', 'user', u, 'digest', ARGV[4], 'run', ARGV[5],
    'attempt', ARGV[6], 'lease', lease, 'intent', ARGV[7], 'since', now, 'month', ARGV[11])
  answer = 'restored'
elseif job[1] ~= 'running' or job[2] ~= lease then
  return 'lost'
end
if ARGV[13] == '1' and job[6] == ARGV[6] then
  redis.call('HSET', job_key, 'intent', ARGV[7])
end
hold_lease(u, lease, tonumber(ARGV[8]))
redis.call('PEXPIRE', job_key, ARGV[9])
-- Not of an attempt that has ended meanwhile.
if ARGV[12] ~= '' and (answer == 'restored' or job[6] == ARGV[6]) then
  local event = ARGV[10] .. '/' .. ARGV[5] .. '/' .. ARGV[6]
  if not open_get(u, event) then
    open_set(u, event, ARGV[11], five(ARGV[12]), '0')
  end
end
return answer
