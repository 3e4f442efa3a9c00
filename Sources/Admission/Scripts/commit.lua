-- commit: the copy of a waiting job lies in its bay and is confirmed. From here on the copy is the job, and the message it
-- was made from may be acked.
-- KEYS  1  prefix
-- ARGV  1  job id           2  user (base64url)   3  lane
--       4  bay              5  generation         6  copy number
-- RETURNS  'parked' | 'void' (the bay was given back meanwhile: the original is still the job)

local name, job_key = room_key(ARGV[3], ARGV[2]), P .. 'job:' .. ARGV[1]
redis.call('ZREM', P .. 'begun:' .. ARGV[4], ARGV[1])
local room = redis.call('HMGET', name, 'bay', 'gen')
if room[1] ~= ARGV[4] or room[2] ~= ARGV[5] then
  return 'void'
end
local job = redis.call('HMGET', job_key, 'state', 'copy')
if job[1] and job[1] ~= 'done' and tonumber(ARGV[6]) >= tonumber(job[2] or 0) then
  redis.call('HSET', job_key, 'copy', ARGV[6], 'bay', ARGV[4], 'gen', ARGV[5])
end
redis.call('HINCRBY', name, 'n', 1)
redis.call('HINCRBY', name, 'commits', 1)
redis.call('HSET', name, 'open', '1')
redis.call('HDEL', name, 'emptied')
arm(ARGV[3], ARGV[2])
return 'parked'
