-- cancel: a job is to end. Marks it, so that it is not begun, and tells its worker if it runs; one that does not run is the
-- caller's to end.
-- KEYS  1  prefix
-- ARGV  1  job id           2  note for people: who wants it and why
--       3  how long an unfinished job is kept, ms
-- RETURNS  {'unknown'}
--          {'ended', status}           before, and not blocked
--          {'stopping'}                its worker ends it, or who takes it over from one that is gone
--          {'yours', user, digest, run or '', attempt, task type or '', cost event...}
--                                      finish it without a lease, as that run if it has one
-- Repeating it changes nothing.

local job_key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', job_key, 'state', 'user', 'digest', 'run', 'attempt', 'task', 'lease', 'status')
local state = job[1]
if not state then
  -- Accepted, and no worker has looked at it yet.
  local u, digest, lane = string.match(redis.call('GET', P .. 'door:job:' .. ARGV[1]) or '', '^(%S+) (%S+) (%S+) ')
  if not u then
    return {'unknown'}
  end
  redis.call('HSET', job_key, 'state', 'queued', 'user', u, 'digest', digest, 'lane', lane, 'cancel', ARGV[2])
  redis.call('PEXPIRE', job_key, ARGV[3])
  return {'yours', u, digest, '', 0, ''}
elseif state == 'done' and job[8] == 'blocked' then
  return {'yours', job[2], job[3], '', 0, job[6] or ''}
elseif state == 'done' then
  return {'ended', job[8]}
end
redis.call('HSET', job_key, 'cancel', ARGV[2])
if state == 'running' then
  tell_holder(job[7], ARGV[2])
  return {'stopping'}
end
local attempt = tonumber(job[5] or 0)
local reply = {'yours', job[2], job[3], job[4] or '', attempt, job[6] or ''}
for n = 1, attempt do
  local event = redis.call('HGET', job_key, 'cost:' .. n)
  if event then
    reply[#reply + 1] = event
  end
end
return reply
