-- cancel: a job is to end. Marks it, so that it is not begun, and tells its worker if it runs; one that does not run is the
-- caller's to end.
-- KEYS  1  prefix
-- ARGV  1  job id           2  note for people: who wants it and why
--       3  how long an unfinished job is kept, ms
--       4  user (base64url) that it must be of, '' for any
--       5  '1' if it is left alone while it runs, else '0'
-- RETURNS  {'unknown'}                 or of another user
--          {'ended', status}           before, and not blocked
--          {'running'}                 and left alone
--          {'stopping'}                its worker ends it, or who takes it over from one that is gone
--          {'yours', user, digest, run or '', attempt, task type, tier, ms when it was queued, series, metadata,
--           cost event...}             '' for what is not known; finish it without a lease, as that run if it has one
-- Repeating it changes nothing.

local job_key = P .. 'job:' .. ARGV[1]
local job = redis.call('HMGET', job_key, 'state', 'user', 'digest', 'run', 'attempt', 'task', 'lease', 'status',
  'tier', 'queued', 'series', 'metadata')
local state = job[1]
-- What the door remembers, until a worker asks for admission.
local u, digest, lane, time, tier = string.match(redis.call('GET', P .. 'door:job:' .. ARGV[1]) or '',
  '^(%S+) (%S+) (%S+) (%d+) (.*)$')
if not state then
  if not u or (ARGV[4] ~= '' and ARGV[4] ~= u) then
    return {'unknown'}
  end
  redis.call('HSET', job_key, 'state', 'queued', 'user', u, 'digest', digest, 'lane', lane, 'cancel', ARGV[2], 'tier',
    tier, 'queued', time)
  redis.call('PEXPIRE', job_key, ARGV[3])
  return {'yours', u, digest, '', 0, '', tier, time, '', ''}
elseif ARGV[4] ~= '' and ARGV[4] ~= job[2] then
  return {'unknown'}
elseif state == 'done' and job[8] == 'blocked' then
  return {'yours', job[2], job[3], '', 0, job[6] or '', job[9] or '', '', '', ''}
elseif state == 'done' then
  return {'ended', job[8]}
elseif state == 'running' and ARGV[5] == '1' then
  return {'running'}
end
redis.call('HSET', job_key, 'cancel', ARGV[2])
if state == 'running' then
  tell_holder(job[7], ARGV[2])
  return {'stopping'}
end
local attempt = tonumber(job[5] or 0)
local reply = {'yours', job[2], job[3], job[4] or '', attempt, job[6] or '', job[9] or tier or '', job[10] or '',
  job[11] or '', job[12] or ''}
for n = 1, attempt do
  local event = redis.call('HGET', job_key, 'cost:' .. n)
  if event then
    reply[#reply + 1] = event
  end
end
return reply
