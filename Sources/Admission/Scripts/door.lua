-- door: whether a request of a user may come in now, and where its job would stand. The windows of the door are its own:
-- they count requests, those of admit count starts. Takes from them only when it lets through.
-- KEYS  1  prefix
-- ARGV  1  run_id of the server this connection speaks to                     2  lease length, ms
--       3  user (base64url)     4  job id     5  digest of the body           6  lane
--       7  leases the user may hold at once
--       8  limits, as admit takes them; '' when everything is unlimited
--       9  which of 'nano_usd', 'tokens', 'audio', 'video', 'jobs' stand against the job when they are used up, joined by
--          spaces
--      10  how long a job that came in is remembered before a worker knows it, ms
--      11  code of the user's tier
--      12  of a request for many jobs, whose id (argument 4) is that of none: the job of it that workers know it by, else ''
--      13  digest of that job's body, or ''
--      14  and on: ids of the jobs that must have succeeded first
-- RETURNS  {'pass', now, position, ms until the expected start, windows}     -1 for a start that nobody can know
--          {'known', now, position, ms until the expected start}   the same is here already; position 0: it runs or ended
--          {'conflict'}                              another body or user under this id
--          {'rate', ms until it can come in, windows}
--          {'used_up', what, now, windows}           a word of argument 9: the ledger alone is at the limit
--          {'hold', ms}                              Redis lost its memory: limits and tiers may not be known yet
--          windows: {requests left in the minute, ms until one more, requests left in the bucket, ms until one more}, -1
--          for what is unlimited
-- What is open of a month is not counted: it may be given back, and the job may wait for that.

local u, lane, limit = ARGV[3], ARGV[6], tonumber(ARGV[7])
local lease_length = tonumber(ARGV[2])

local grants = epoch_of(ARGV[1], lease_length)
if grants > now then
  return {'hold', grants - now}
end

local limits = {}
for figure in string.gmatch(ARGV[8], '%S+') do
  limits[#limits + 1] = tonumber(figure) or false
end
local rpm, emission, burst = limits[1], limits[2], limits[3]
local room = redis.call('HMGET', room_key(lane, u), 'bay', 'n', 'seq', 'head', 'gate', 'every')

local function waits_for_others()
  for index = 14, #ARGV do
    local parent = redis.call('HMGET', P .. 'job:' .. ARGV[index], 'state', 'user', 'status')
    local has_succeeded = parent[1] == 'done' and parent[2] == u and parent[3] == 'succeeded'
    if not has_succeeded and redis.call('HGET', P .. 'parent:' .. ARGV[index], 'user') ~= u then
      return true
    end
  end
  return false
end

-- When a job at a place in the line starts, by what the room knows.
local function start_at(position, is_started)
  local gate = math.max(0, tonumber(room[5] or 0) - now)
  return expected_start(u, room[6], limit, position, gate, is_started and 0 or pace_of(rpm, emission))
end

local is_many = ARGV[12] ~= ''
local job = redis.call('HMGET', P .. 'job:' .. (is_many and ARGV[12] or ARGV[4]), 'state', 'user', 'digest', 'lane',
  'seq', 'attempt', 'why', 'until')
-- '<u> <digest> <lane> <now> <tier>'; of a request for many, once the broker has all of them, '<u> <digest> sent'
local mark_key = P .. (is_many and 'door:request:' or 'door:job:') .. ARGV[4]
local mark = redis.call('GET', mark_key)
local sender = u .. ' ' .. ARGV[5] .. ' '
local digest = is_many and ARGV[13] or ARGV[5]
if job[1] and (job[2] ~= u or job[3] ~= digest) then
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

local used_up
local base = five(redis.call('HGET', P .. 'money:' .. u, month(now) .. ':base'))
for index, name in ipairs({'nano_usd', 'tokens', 'audio', 'video', 'jobs'}) do
  local cap = limits[index + 3]
  -- A cap of no money lets through what costs none: only admission knows which jobs do.
  if not used_up and cap and (index > 1 or cap > 0) and base[index] >= cap and
    string.find(' ' .. ARGV[9] .. ' ', ' ' .. name .. ' ', 1, true) then
    used_up = name
  end
end

-- The same formulas as for starts: a bucket that fills by one each emission interval, and any 60 seconds.
local bucket, minute = P .. 'door:' .. u, P .. 'door:minute:' .. u
local counted = (emission or rpm) and redis.call('HMGET', bucket, 'tat', 'n')
local arrival, instant = micros, micros
if emission then
  -- More than the bucket holds can only be a clock that was set back.
  arrival = math.max(micros, math.min(tonumber(counted[1] or 0), micros + burst * emission))
  instant = math.max(instant, arrival - (burst - 1) * emission)
end
local count, first = 0, micros
if rpm then
  redis.call('ZREMRANGEBYSCORE', minute, '-inf', int(micros - 60000000))
  for _, request in ipairs(redis.call('ZRANGEBYSCORE', minute, '(' .. int(micros), '+inf')) do
    redis.call('ZADD', minute, int(micros), request)  -- likewise
  end
  count = redis.call('ZCARD', minute)
  if count >= rpm then
    instant = math.max(
      instant, tonumber(redis.call('ZRANGE', minute, count - rpm, count - rpm, 'WITHSCORES')[2]) + 60000000)
  end
end
local passes = not used_up and instant <= micros
if passes and (emission or rpm) then
  local number = tonumber(counted[2] or 0) + 1
  arrival = arrival + (emission or 0)
  redis.call('HSET', bucket, 'tat', int(arrival), 'n', int(number))
  redis.call('PEXPIRE', bucket, math.max(61000, math.ceil((arrival - micros) / 1000) + 1000))
  if rpm then
    redis.call('ZADD', minute, int(micros), int(number))
    redis.call('PEXPIRE', minute, 61000)
    count = count + 1
  end
end

local windows = {-1, -1, -1, -1}
if rpm then
  first = count > 0 and tonumber(redis.call('ZRANGE', minute, 0, 0, 'WITHSCORES')[2]) + 60000000 or micros
  windows[1], windows[2] = math.max(0, rpm - count), math.ceil((first - micros) / 1000)
end
if emission then
  local used = math.ceil((arrival - micros) / emission)
  windows[3] = math.max(0, burst - used)
  windows[4] = used > 0 and math.ceil((arrival - micros - (used - 1) * emission) / 1000) or 0
end
if used_up then
  return {'used_up', used_up, now, windows}
elseif not passes then
  return {'rate', math.ceil((instant - micros) / 1000), windows}
end

redis.call('SET', mark_key, sender .. lane .. ' ' .. int(now) .. ' ' .. ARGV[11], 'PX', ARGV[10])
local position = 1
if room[1] and tonumber(room[2] or 0) > 0 then
  position = math.max(1, tonumber(room[3] or 0) + 1 - tonumber(room[4] or 0))
end
local start = -1
if waits_for_others() then
  return {'pass', now, position, start, windows}
elseif position > 1 or redis.call('ZCOUNT', P .. 'leases:' .. u, '(' .. int(now), '+inf') >= limit then
  start = start_at(position, false)
else
  start = math.max(0, tonumber(room[5] or 0) - now)
end
return {'pass', now, position, start, windows}
