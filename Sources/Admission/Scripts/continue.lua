-- continue: take over an attempt whose holder is gone and that goes on at its provider. Its money stays reserved as it
-- is; only the lease changes hands. Compare and set: of several that try one gets it.
-- KEYS  1  prefix
-- ARGV  1  run_id           2  lease id           3  user (base64url)   4  job id
--       5  run              6  attempt            7  lease length, ms
--       8  how long an unfinished job is kept, ms
--       9  limit: leases the user may hold
-- RETURNS  {'continued', month, active, now, cost event...}
--                                                 the lease is held until now + length; events of earlier attempts
--          {'full'}                               the user has no free lease: everything is as it was
--          {'lost'}                               somebody holds it, or it is no such attempt any more: ask admit again
--          {'hold', ms}                           Redis lost its memory: nothing is granted yet
-- Repeating it with the same lease id gives the same answer.

local u, lease, job_key = ARGV[3], ARGV[2], P .. 'job:' .. ARGV[4]
local lease_length = tonumber(ARGV[7])
local grants = epoch_of(ARGV[1], lease_length)
local job = redis.call('HMGET', job_key, 'state', 'user', 'run', 'attempt', 'lease', 'month', 'cancel')
if job[1] ~= 'running' or job[2] ~= u or job[3] ~= ARGV[5] or job[4] ~= ARGV[6] then
  return {'lost'}
end
local is_held = tonumber(redis.call('ZSCORE', P .. 'leases:' .. u, job[5]) or 0) > now
if is_held and job[5] ~= lease then
  return {'lost'}
end
if not is_held then
  if grants > now then
    return {'hold', grants - now}
  end
  if active_leases(u) >= tonumber(ARGV[9]) then
    return {'full'}
  end
  hold_lease(u, lease, lease_length)
  redis.call('HSET', job_key, 'lease', lease)
  if job[7] then
    tell_holder(lease, job[7])
  end
  redis.call('PEXPIRE', job_key, ARGV[8])
end
local reply = {'continued', job[6] or month(now), active_leases(u), now}
for n = 1, tonumber(ARGV[6]) - 1 do
  local event = redis.call('HGET', job_key, 'cost:' .. n)
  if event then
    reply[#reply + 1] = event
  end
end
return reply
