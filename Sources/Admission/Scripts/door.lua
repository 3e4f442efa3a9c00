-- door: whether requests of users may come in now, and where their jobs would stand; many in one call, each as if it came
-- alone, in their order. The windows of the door are its own: they count requests, those of admit count starts. Takes from
-- them only when it lets through.
-- KEYS  1  prefix
-- ARGV  1  run_id of the server this connection speaks to                     2  lease length, ms
--       3  how long a job that came in is remembered before a worker knows it, ms
--       4  and on, for each request:
--          user (base64url), job id, digest of the body, lane,
--          leases the user may hold at once,
--          limits, as admit takes them; '' when everything is unlimited,
--          which of 'nano_usd', 'tokens', 'audio', 'video', 'jobs' stand against the job when they are used up, joined by
--          spaces,
--          code of the user's tier,
--          of a request for many jobs, whose id is that of none: the job of it that workers know it by, else '',
--          digest of that job's body, or '',
--          how many jobs must have succeeded first, and their ids
-- RETURNS  for each request
--          {'pass', now, position, ms until the expected start, windows}     -1 for a start that nobody can know
--          {'known', now, position, ms until the expected start}   the same is here already; position 0: it runs or ended
--          {'conflict'}                              another body or user under this id
--          {'rate', ms until it can come in, windows}
--          {'used_up', what, now, windows}           of what stands against it: the ledger alone is at the limit
--          {'hold', ms}                              Redis lost its memory: limits and tiers may not be known yet
--          windows: {requests left in the minute, ms until one more, requests left in the bucket, ms until one more}, -1
--          for what is unlimited
-- What is open of a month is not counted: it may be given back, and the job may wait for that.

local lease_length = tonumber(ARGV[2])
local grants = epoch_of(ARGV[1], lease_length)
local MINUTE = 60000000
local this_month = month(now)
local FIGURES = {'nano_usd', 'tokens', 'audio', 'video', 'jobs'}

-- Where the ids of the request's parents stand among the arguments: from first to last.
local function waits_for_others(u, first, last)
  for index = first, last do
    local parent = redis.call('HMGET', P .. 'job:' .. ARGV[index], 'state', 'user', 'status')
    local has_succeeded = parent[1] == 'done' and parent[2] == u and parent[3] == 'succeeded'
    if not has_succeeded and redis.call('HGET', P .. 'parent:' .. ARGV[index], 'user') ~= u then
      return true
    end
  end
  return false
end

-- The first of the month's limits that stands against a job and is used up; nil for none.
local function used_up(u, caps, spends)
  local booked = redis.call('HGET', P .. 'money:' .. u, this_month .. ':base')
  local base = booked and five(booked)
  for index, name in ipairs(FIGURES) do
    local cap, spent = tonumber(caps[index]), base and base[index] or 0
    -- A cap of no money lets through what costs none: only admission knows which jobs do.
    if cap and (index > 1 or cap > 0) and spent >= cap and string.find(' ' .. spends .. ' ', ' ' .. name .. ' ', 1, true) then
      return name
    end
  end
end

-- Requests of the last 60 seconds: how many, and the first of them, micros.
local function minute_of(key, is_set_back)
  if is_set_back then
    for _, request in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. int(micros), '+inf')) do
      redis.call('ZADD', key, int(micros), request)
    end
  end
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  if first and tonumber(first) <= micros - MINUTE then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', int(micros - MINUTE))
    first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
  end
  return first and redis.call('ZCARD', key) or 0, tonumber(first)
end

-- Counts a request if the windows let it through and nothing else stands against it. The same formulas as for starts: a
-- bucket that fills by one each emission interval, and any 60 seconds. Returns whether, the instant from which on they let
-- it through, and what they have left.
local function through_windows(u, rpm, emission, burst, may_pass)
  local windows = {-1, -1, -1, -1}
  if not rpm and not emission then
    return may_pass, micros, windows
  end
  local bucket, minute = P .. 'door:' .. u, P .. 'door:minute:' .. u
  local counted = redis.call('HMGET', bucket, 'tat', 'n', 'at')
  local arrival, instant, count, first = micros, micros, 0, nil
  local is_set_back = tonumber(counted[3] or 0) > micros
  if is_set_back then
    redis.call('HSET', bucket, 'at', int(micros))
  end
  if emission then
    arrival = math.max(micros, tonumber(counted[1] or 0))
    local full = micros + burst * emission
    if arrival > full then
      -- More than the bucket holds can only be a clock that was set back. From now on it drains.
      arrival = full
      redis.call('HSET', bucket, 'tat', int(full))
    end
    instant = math.max(instant, arrival - (burst - 1) * emission)
  end
  if rpm then
    count, first = minute_of(minute, is_set_back)
    if count >= rpm then
      instant = math.max(
        instant, tonumber(redis.call('ZRANGE', minute, count - rpm, count - rpm, 'WITHSCORES')[2]) + MINUTE)
    end
  end
  local passes = may_pass and instant <= micros
  if passes then
    local number, at = int(tonumber(counted[2] or 0) + 1), int(micros)
    arrival = arrival + (emission or 0)
    redis.call('HSET', bucket, 'tat', int(arrival), 'n', number, 'at', at)
    redis.call('PEXPIRE', bucket, math.max(61000, math.ceil((arrival - micros) / 1000) + 1000))
    if rpm then
      redis.call('ZADD', minute, at, number)
      redis.call('PEXPIRE', minute, 61000)
      count, first = count + 1, first or micros
    end
  end
  if rpm then
    windows[1] = math.max(0, rpm - count)
    windows[2] = first and math.ceil((first + MINUTE - micros) / 1000) or 0
  end
  if emission then
    local used = math.ceil((arrival - micros) / emission)
    windows[3] = math.max(0, burst - used)
    windows[4] = used > 0 and math.ceil((arrival - micros - (used - 1) * emission) / 1000) or 0
  end
  return passes, instant, windows
end

-- Of the request whose arguments begin at a, of which the last is number z.
local function answer_to(a, z)
  local u, id, digest, lane, limit = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], tonumber(ARGV[a + 4])
  local rpm, emission, burst, money, tokens, audio, video, jobs = string.match(
    ARGV[a + 5], '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)$')
  rpm, emission, burst = tonumber(rpm), tonumber(emission), tonumber(burst)
  local room = redis.call('HMGET', room_key(lane, u), 'bay', 'n', 'seq', 'head', 'gate', 'every')

  -- When a job at a place in the line starts, by what the room knows.
  local function start_at(position, is_started)
    local gate = math.max(0, tonumber(room[5] or 0) - now)
    return expected_start(u, room[6], limit, position, gate, is_started and 0 or pace_of(rpm, emission))
  end

  local is_many = ARGV[a + 8] ~= ''
  local job = redis.call('HMGET', P .. 'job:' .. (is_many and ARGV[a + 8] or id), 'state', 'user', 'digest', 'lane',
    'seq', 'attempt', 'why', 'until')
  -- '<u> <digest> <lane> <now> <tier>'; of a request for many, once the broker has all of them, '<u> <digest> sent'
  local mark_key = P .. (is_many and 'door:request:' or 'door:job:') .. id
  local mark = redis.call('GET', mark_key)
  local sender = u .. ' ' .. digest .. ' '
  if job[1] and (job[2] ~= u or job[3] ~= (is_many and ARGV[a + 9] or digest)) then
    return {'conflict'}
  elseif mark and (is_many or not job[1]) and string.sub(mark, 1, #sender) ~= sender then
    return {'conflict'}
  end
  -- While that job waits, others of the same request may not have reached the broker.
  local is_sent = not is_many or mark == sender .. 'sent'
  if job[1] == 'running' or job[1] == 'done' then
    return {'known', now, 0, 0}
  elseif job[1] == 'waiting' and is_sent then
    if job[7] == 'parents' then
      return {'known', now, 1, -1}
    elseif STANDS_ALONE[job[7]] then
      return {'known', now, 1, math.max(0, tonumber(job[8] or 0) - now)}
    end
    local waits_in = redis.call('HMGET', room_key(job[4] or lane, u), 'seq', 'head')
    local last = tonumber(waits_in[1] or 0)
    local seq = tonumber(job[5] or nil) or last + 1
    local position = seq > last + 1 and 1 or math.max(1, seq - tonumber(waits_in[2] or 0))
    return {'known', now, position, start_at(position, tonumber(job[6] or 0) > 0)}
  elseif job[1] and is_sent then
    return {'known', now, 0, 0}
  elseif mark and is_many and is_sent then
    return {'known', now, 1, start_at(1, false)}
  end

  local what = money and used_up(u, {money, tokens, audio, video, jobs}, ARGV[a + 6])
  local passes, instant, windows = through_windows(u, rpm, emission, burst, not what)
  if what then
    return {'used_up', what, now, windows}
  elseif not passes then
    return {'rate', math.ceil((instant - micros) / 1000), windows}
  end

  redis.call('SET', mark_key, sender .. lane .. ' ' .. int(now) .. ' ' .. ARGV[a + 7], 'PX', ARGV[3])
  local position = 1
  if room[1] and tonumber(room[2] or 0) > 0 then
    position = math.max(1, tonumber(room[3] or 0) + 1 - tonumber(room[4] or 0))
  end
  local start = math.max(0, tonumber(room[5] or 0) - now)
  if waits_for_others(u, a + 11, z) then
    start = -1
  elseif position > 1 or redis.call('ZCOUNT', P .. 'leases:' .. u, '(' .. int(now), '+inf') >= limit then
    start = start_at(position, false)
  end
  return {'pass', now, position, start, windows}
end

local answers, a = {}, 4
while ARGV[a] do
  local z = a + 10 + tonumber(ARGV[a + 10])
  answers[#answers + 1] = grants > now and {'hold', grants - now} or answer_to(a, z)
  a = z + 1
end
return answers
