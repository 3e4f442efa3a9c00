-- parents: whether a job may start as far as the jobs are concerned that it waits for. One that may not is noted as waiting;
-- what it waits for is kept as long as the job itself may be.
-- KEYS  1  prefix
-- ARGV  1  job id           2  user (base64url)   3  digest             4  lane
--       5  task type        6  run that this message replays, or ''
--       7  ms until it asks again, at least       8  how long an unfinished job is kept, ms
--       9  how long one that nobody knows is waited for, ms
--      10  labels, for keep_labels
--      11  and on: ids of the jobs that it waits for
-- RETURNS  {'ready'}                   all have succeeded, and their outputs are known
--          {'ask'}                     it runs, has ended, is cancelled, or is another body or user under this id: admit says
--          {'wait', how many of them have succeeded, ms until it is to ask again}
--          {'failed', id, status}      status: of a job of this user, else ''
--          {'missing', id}             nobody has known it for too long
-- Of one that nobody knows billing is asked (ZSET asked): it answers with the hash parent:<id> if the ledger has a success
-- of it. Only time between two looks counts that are not further apart than a minute: while nobody looks, nobody misses.
-- What a user can make this do is bounded: a success that was seen is not looked at again for an hour, names that nobody
-- knows are asked for in turns, and the more jobs of the user wait here, the longer each waits until it asks again.

-- Places in asked, for all and for one user: billing takes some thousands a second. A name that finds no place is asked
-- for with the next look, and its time does not run.
local MOST_ASKED, SHARE, ASKED_TTL = 10000, 1000, 900000
local LONGEST_GAP, BELIEVED = 60000, 3600000
-- Names that nobody knows and that one look asks for.
local TURN = 32
-- Between two looks of all that wait here of one user, ms; and the longest time until one asks again.
local APART, LONGEST_PAUSE = 25, 512000
local u, job_key, kept, many = ARGV[2], P .. 'job:' .. ARGV[1], tonumber(ARGV[8]), #ARGV - 10
local children = P .. 'children:' .. u
local job = redis.call('HMGET', job_key, 'state', 'user', 'digest', 'run', 'cancel', 'lane', 'why', 'at', 'missing',
  'looked', 'seen')
local state = job[1]
local is_replay = state == 'done' and ARGV[6] ~= '' and ARGV[6] == job[4]
if state and not is_replay and
  (state == 'running' or state == 'done' or job[2] ~= u or job[3] ~= ARGV[3] or job[5]) then
  return {'ask'}
end

-- What earlier looks found. looked: '<when> <ms that were watched> <place of the name that was asked for last>';
-- seen: '<when it was begun> <1 for each that had succeeded, else 0>'; missing: '<place> <ms watched when missed first>'...
local before, watched, turn = string.match(job[10] or '', '^(%d+) (%d+) (%d+)$')
local since_last_look = math.max(0, math.min(LONGEST_GAP, now - tonumber(before or now)))
watched = tonumber(watched or 0) + since_last_look
turn = tonumber(turn or 0)
local since, seen = string.match(job[11] or '', '^(%d+) ([01]+)$')
since = tonumber(since or 0)
if now < since or now - since > BELIEVED or #seen ~= many then
  since, seen = now, ''
end
local missed = {}
for place, time in string.gmatch(job[9] or '', '(%d+) (%d+)') do
  missed[tonumber(place)] = tonumber(time)
end

-- False where there is nothing to keep.
local function keep(key)
  local left = redis.call('PTTL', key)
  if left >= 0 and left < kept then
    redis.call('PEXPIRE', key, kept)
  end
  return left ~= -2
end

-- 'succeeded', 'open', 'unknown', 'lost' where its output is not kept any more, or 'failed' and how.
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
  return parent[1] and 'lost' or 'unknown'
end

local function came_in(id)
  return string.match(redis.call('GET', P .. 'door:job:' .. id) or '', '^%S+') == u
end

local free, asked = nil, 0
-- Whether billing is asked for it, or was already.
local function ask(id)
  local name = u .. ' ' .. id
  if redis.call('ZSCORE', P .. 'asked', name) then
    return true
  end
  free = free or math.min(MOST_ASKED - redis.call('ZCARD', P .. 'asked'),
    SHARE - tonumber(redis.call('HGET', P .. 'asked_by', u) or 0))
  if asked >= free then
    return false
  end
  asked = asked + 1
  redis.call('ZADD', P .. 'asked', now, name)
  return true
end

local succeeded, marks, unknown, lost = 0, {}, {}, {}
for place = 1, many do
  local id, standing, status = ARGV[10 + place], 'succeeded', nil
  if string.byte(seen, place) ~= 49 then
    standing, status = look_at(id)
  end
  if standing == 'failed' then
    redis.call('ZREM', children, ARGV[1])
    return {'failed', id, status}
  end
  marks[place] = standing == 'succeeded' and '1' or '0'
  if standing == 'unknown' or standing == 'lost' then
    unknown[#unknown + 1] = place
    lost[place] = standing == 'lost'
  else
    missed[place] = nil
    succeeded = succeeded + marks[place]
  end
end

local first = 1
while unknown[first] and unknown[first] <= turn do
  first = first + 1
end
local missing
for step = 0, math.min(TURN, #unknown) - 1 do
  local place = unknown[(first + step - 1) % #unknown + 1]
  local id = ARGV[10 + place]
  if not lost[place] and came_in(id) then
    missed[place] = nil
  elseif missed[place] and watched - missed[place] >= tonumber(ARGV[9]) then
    missing = id
    break
  elseif ask(id) then
    missed[place] = missed[place] or watched
  elseif missed[place] then
    missed[place] = missed[place] + since_last_look
  end
  turn = place
end
if asked > 0 then
  redis.call('HINCRBY', P .. 'asked_by', u, asked)
  redis.call('PEXPIRE', P .. 'asked', ASKED_TTL)
  redis.call('PEXPIRE', P .. 'asked_by', ASKED_TTL)
end
if missing then
  redis.call('ZREM', children, ARGV[1])
  return {'missing', missing}
end
seen = int(since) .. ' ' .. table.concat(marks)
if succeeded == many then
  redis.call('ZREM', children, ARGV[1])
  if state == 'waiting' then
    redis.call('HDEL', job_key, 'missing', 'looked')
    redis.call('HSET', job_key, 'seen', seen)
  end
  return {'ready'}
end

-- Of those that came back no more some are forgotten with each look.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', children, '-inf', now - LONGEST_PAUSE, 'LIMIT', 0, 8)) do
  redis.call('ZREM', children, id)
end
redis.call('ZADD', children, now, ARGV[1])
local pause = math.max(tonumber(ARGV[7]), math.min(LONGEST_PAUSE, redis.call('ZCARD', children) * APART))
redis.call('ZADD', children, now + pause, ARGV[1])
redis.call('PEXPIRE', children, pause + LONGEST_PAUSE)

local times = {}
for place = 1, many do
  if missed[place] then
    times[#times + 1] = place .. ' ' .. int(missed[place])
  end
end
if is_replay then
  redis.call('DEL', job_key, P .. 'output:' .. ARGV[1])
  state = false
elseif state == 'waiting' then
  count_wait(job[6], job[7], -1, u)
end
count_wait(ARGV[4], 'parents', 1, u)
redis.call('HSET', job_key, 'state', 'waiting', 'user', u, 'digest', ARGV[3], 'lane', ARGV[4], 'task', ARGV[5],
  'why', 'parents', 'until', int(now + pause), 'at', state == 'waiting' and job[8] or now,
  'parents', succeeded .. ' ' .. many, 'missing', table.concat(times, ' '), 'seen', seen,
  'looked', int(now) .. ' ' .. int(watched) .. ' ' .. turn)
keep_labels(job_key, ARGV[10])
redis.call('PEXPIRE', job_key, kept)
return {'wait', succeeded, pause}
