-- census: the whole fleet at one moment. Who waits why, whose next job could start, what the workers say of themselves.
-- KEYS  1  prefix
-- ARGV  1  run_id           2  lease length, ms
--       3  age up to which a worker's report is fresh, ms
-- RETURNS  {now, ms until anything is granted, of 's' (the bays were surveyed) and 'm' (the money is known) what holds,
--           heads of critical, high, standard, low that could be claimed now,
--           ms for which the longest of them could have been: critical, high, standard, low,
--           fields and values of the waiting jobs by lane and reason, names and fresh reports of workers,
--           scopes that do not serve and their states}
-- Looking at the rooms costs, so what was found is kept for half a second, for all who ask. At most 1000 due rooms of a
-- lane are looked at; those beyond count as one head each. Reports of workers gone for an hour are dropped.

local LOOKS, KEPT, GONE = 1000, 500, 3600000

local function look()
  local heads, ages, free = {}, {}, {}
  for rank, lane in ipairs(LANES) do
    local index = P .. 'due:' .. lane
    local users = redis.call('ZRANGEBYSCORE', index, '-inf', now, 'WITHSCORES', 'LIMIT', 0, LOOKS)
    local count = #users == 2 * LOOKS and redis.call('ZCOUNT', index, '-inf', now) - LOOKS or 0
    local age = 0
    for place = 1, #users, 2 do
      local u = users[place]
      local room = redis.call('HMGET', room_key(lane, u), 'n', 'gate', 'limit', 'deck', 'deckuntil')
      local there = math.max(0, tonumber(room[1] or 0)) + (room[4] and tonumber(room[5]) > now and 1 or 0)
      if there > 0 and tonumber(room[2] or 0) <= now then
        local taken = free[u] or redis.call('ZCOUNT', P .. 'leases:' .. u, '(' .. now, '+inf')
        local able = math.min(there, math.max(0, tonumber(room[3] or 1) - taken))
        -- A user's slots are the same in all lanes.
        free[u] = taken + able
        count = count + able
        if able > 0 then
          age = math.max(age, now - tonumber(users[place + 1]))
        end
      end
    end
    heads[rank], ages[rank] = count, age
  end
  return table.concat(heads, ' ') .. ' ' .. table.concat(ages, ' ')
end

local hold, flags = hold_of(ARGV[1], tonumber(ARGV[2]))
local reply = {now, hold, flags}
local seen = redis.call('GET', P .. 'heads')
if not seen then
  seen = look()
  redis.call('SET', P .. 'heads', seen, 'PX', KEPT)
end
for figure in string.gmatch(seen, '%d+') do
  reply[#reply + 1] = tonumber(figure)
end
reply[#reply + 1] = redis.call('HGETALL', P .. 'waits')
local reports, fresh = redis.call('HGETALL', P .. 'workers'), {}
for index = 1, #reports, 2 do
  local age = now - tonumber(string.match(reports[index + 1], '^{"at":(%d+)') or 0)
  if age > GONE then
    redis.call('HDEL', P .. 'workers', reports[index])
  elseif age <= tonumber(ARGV[3]) then
    fresh[#fresh + 1] = reports[index]
    fresh[#fresh + 1] = reports[index + 1]
  end
end
reply[#reply + 1] = fresh
reply[#reply + 1] = redis.call('HGETALL', P .. 'breakers')
return reply
