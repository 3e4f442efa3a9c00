-- lines: the users that wait most, and when their jobs are expected to start. Changes nothing.
-- KEYS  1  prefix
-- ARGV  1  run_id           2  lease length, ms   3  how many at most
-- RETURNS  {now, {lane, user (base64url), jobs that wait, why the first of them does or '', limit of the user's leases,
--           leases and claims, ms until the first is expected to start, ms until the last, entitlement or ''}...}
--          the longest line first; -1 for both times before a run of the user has ended
-- Looks at no more rooms than it names. Who waits on the delay ladder stands in no room.

local hold, flags = hold_of(ARGV[1], tonumber(ARGV[2]))
local most = tonumber(ARGV[3])
local found = {}
for rank, lane in ipairs(LANES) do
  local users = redis.call('ZREVRANGE', P .. 'lines:' .. lane, 0, most - 1, 'WITHSCORES')
  for index = 1, #users, 2 do
    found[#found + 1] = {lane, users[index], tonumber(users[index + 1]), rank}
  end
end
table.sort(found, function(left, right)
  if left[3] ~= right[3] then
    return left[3] > right[3]
  elseif left[4] ~= right[4] then
    return left[4] < right[4]
  end
  return left[2] < right[2]
end)

local reply = {now}
for place = 1, math.min(most, #found) do
  local lane, u, waiting = found[place][1], found[place][2], found[place][3]
  local room = redis.call('HMGET', room_key(lane, u), 'limit', 'gate', 'why', 'every', 'limits')
  local limit = math.max(1, tonumber(room[1] or 1))
  local rpm, emission = string.match(room[5] or '', '^(%S+) (%S+)')
  local pace = pace_of(tonumber(rpm), tonumber(emission))
  local gate = tonumber(room[2] or 0)
  local closed = gate <= now + FARTHEST and math.max(0, gate - now) or 0
  local active = redis.call('ZCOUNT', P .. 'leases:' .. u, '(' .. now, '+inf')
  local run = average_run(u)
  -- What stood against the one before may be over, or shorter than the wait for one of the user's slots.
  local why = room[3] or ''
  local is_over = closed == 0 and not (why == 'catching_up' and not string.find(flags, 'm'))
  if active >= limit and (is_over or why == 'rate' and closed <= (run or 1000) / limit) then
    why = 'concurrency'
  elseif is_over then
    why = ''
  end
  local first, last = -1, -1
  if run then
    local wait = math.max(hold, closed)
    first = expected_start(u, room[4], limit, 1, wait, pace)
    last = expected_start(u, room[4], limit, waiting, wait, pace)
  end
  reply[#reply + 1] = {
    lane, u, waiting, why, limit, active, first, last, redis.call('HGET', P .. 'entitlements', u) or ''}
end
return reply
