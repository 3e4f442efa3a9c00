-- declare_unknown: an attempt that began, whose holder is gone and of which no end was written, gets the event that
-- says so. Compare and set: whoever comes second changes nothing.
-- KEYS  1  prefix
-- ARGV  1  job id           2  user (base64url)
--       3  run              4  attempt          5  its cost event with outcome unknown
--       6  what that event says was spent: five figures, '' when neither money nor quota is limited (any more):
--          what is reserved stays then
--       7  '1' if the attempt may be made again whatever the job is, because nothing was bought, else '0'
-- RETURNS  1 declared, 0 not (any more) in that state: ask admit again
-- The event is kept twice: until it is confirmed for those who announce it, and as long as the job is remembered for a
-- holder that comes back and has to say by how much it was wrong.

local u, job_key = ARGV[2], P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', job_key, 'state', 'run', 'attempt', 'lease', 'month')
if job[1] ~= 'running' or job[2] ~= ARGV[3] or job[3] ~= ARGV[4] then
  return 0
end
if tonumber(redis.call('ZSCORE', P .. 'leases:' .. u, job[4]) or 0) > now then
  return 0
end
redis.call('ZREM', P .. 'leases:' .. u, job[4])
redis.call('HDEL', job_key, 'lease', 'intent', 'since')
redis.call('HSET', job_key, 'state', 'queued', 'cost:' .. ARGV[4], ARGV[5], 'unknown:' .. ARGV[4], ARGV[5])
if ARGV[7] == '1' then
  redis.call('HSET', job_key, 'again', ARGV[4])
end
local event = ARGV[1] .. '/' .. ARGV[3] .. '/' .. ARGV[4]
local m, reserved = open_get(u, event)
if ARGV[6] ~= '' or m then
  settle_open(u, event, job[5] or month(now), ARGV[6] ~= '' and ARGV[6] or text_of(reserved))
end
pass_on(u)
return 1
