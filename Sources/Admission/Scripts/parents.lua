-- parents: whether a job may start as far as the jobs are concerned that it waits for. One that may not is noted as waiting;
-- what it waits for is kept as long as the job itself may be.
-- KEYS  1  prefix
-- ARGV  1  job id           2  user (base64url)   3  digest             4  lane
--       5  task type        6  run that this message replays, or ''
--       7  ms until it asks again                 8  how long an unfinished job is kept, ms
--       9  how long one that nobody knows is waited for, ms
--      10  labels, for keep_labels
--      11  and on: ids of the jobs that it waits for
-- RETURNS  {'ready'}                   all have succeeded, and their outputs are known
--          {'ask'}                     it runs, has ended, is cancelled, or is another body or user under this id: admit says
--          {'wait', how many of them have succeeded}
--          {'failed', id, status}      status: of a job of this user, else ''
--          {'missing', id}             nobody has known it for too long
-- Of one that nobody knows billing is asked (ZSET asked): it answers with the hash parent:<id> if the ledger has a success
-- of it. Only time between two looks counts that are not further apart than a minute: while nobody looks, nobody misses.

-- Billing takes some thousands a second. Who finds no place asks again with its next look.
local MOST_ASKED, ASKED_TTL, LONGEST_GAP = 10000, 900000, 60000
local u, job_key, kept = ARGV[2], P .. 'job:' .. ARGV[1], tonumber(ARGV[8])
local job = redis.call('HMGET', job_key, 'state', 'user', 'digest', 'run', 'cancel', 'lane', 'why', 'at', 'missing',
  'looked')
local state = job[1]
local is_replay = state == 'done' and ARGV[6] ~= '' and ARGV[6] == job[4]
if state and not is_replay and
  (state == 'running' or state == 'done' or job[2] ~= u or job[3] ~= ARGV[3] or job[5]) then
  return {'ask'}
end

-- False where there is nothing to keep.
local function keep(key)
  local left = redis.call('PTTL', key)
  if left >= 0 and left < kept then
    redis.call('PEXPIRE', key, kept)
  end
  return left ~= -2
end

-- 'succeeded', 'open', 'unknown', or 'failed' and how.
local function look_at(id)
  local parent = redis.call('HMGET', P .. 'job:' .. id, 'state', 'user', 'status')
  if parent[1] and parent[2] ~= u then
    return 'failed', ''
  elseif parent[1] and (parent[1] ~= 'done' or parent[3] == 'blocked') then
    return 'open'
  elseif parent[1] and parent[3] ~= 'succeeded' then
    return 'failed', parent[3]
  elseif parent[1] and keep(P .. 'output:' .. id) then
    keep(P .. 'job:' .. id)
    return 'succeeded'
  end
  local told = redis.call('HGET', P .. 'parent:' .. id, 'user')
  if told then
    keep(P .. 'parent:' .. id)
    return told == u and 'succeeded' or 'failed', ''
  end
  local sender = not parent[1] and string.match(redis.call('GET', P .. 'door:job:' .. id) or '', '^%S+')
  return sender == u and 'open' or 'unknown'
end

local missed = {}
for id, time in string.gmatch(job[9] or '', '(%S+) (%d+)') do
  missed[id] = tonumber(time)
end
local gap = math.max(0, math.min(LONGEST_GAP, now - tonumber(job[10] or now)))
local succeeded, missing = 0, {}
for index = 11, #ARGV do
  local id = ARGV[index]
  local standing, status = look_at(id)
  if standing == 'failed' then
    return {'failed', id, status}
  elseif standing == 'succeeded' then
    succeeded = succeeded + 1
  elseif standing == 'unknown' then
    local time = missed[id] and missed[id] + gap or 0
    if time >= tonumber(ARGV[9]) then
      return {'missing', id}
    end
    missing[#missing + 1] = id .. ' ' .. int(time)
    if redis.call('ZCARD', P .. 'asked') < MOST_ASKED then
      redis.call('ZADD', P .. 'asked', now, id)
      redis.call('PEXPIRE', P .. 'asked', ASKED_TTL)
    end
  end
end
if succeeded == #ARGV - 10 then
  redis.call('HDEL', job_key, 'missing', 'looked')
  return {'ready'}
end

if is_replay then
  redis.call('DEL', job_key, P .. 'output:' .. ARGV[1])
  state = false
elseif state == 'waiting' then
  count_wait(job[6], job[7], -1, u)
end
count_wait(ARGV[4], 'parents', 1, u)
redis.call('HSET', job_key, 'state', 'waiting', 'user', u, 'digest', ARGV[3], 'lane', ARGV[4], 'task', ARGV[5],
  'why', 'parents', 'until', int(now + ARGV[7]), 'at', state == 'waiting' and job[8] or now,
  'parents', succeeded .. ' ' .. #ARGV - 10, 'missing', table.concat(missing, ' '), 'looked', now)
keep_labels(job_key, ARGV[10])
redis.call('PEXPIRE', job_key, kept)
return {'wait', succeeded}
