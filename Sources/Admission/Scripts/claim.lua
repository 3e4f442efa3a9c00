-- claim: the right to take the next head of users who wait and could run. Each claim holds one of its user's slots until
-- it is redeemed by admit, given back by leave or vacant, or has expired. Users take turns.
-- KEYS  1  prefix
-- ARGV  1  run_id           2  lease length, ms
--       3  worker           4  number of the first claim; the following ones count on
--       5  how long a claim lives, ms
--       6  stamp of the policy in force
--       7  how many to claim at most: critical   8  high   9  standard   10  low
-- RETURNS  {ms until something more is due (-1 never), epoch, of 's' (the bays were surveyed), 'm' (the money is known)
--           and 'h' (nothing is granted yet) what holds for it, rooms due now: critical, high, standard, low,
--           then for each claim six texts: lane, user, claim, bay, generation and commits, lease id of the head on deck or ''}

local prefix = ARGV[3] .. '.'
local number = tonumber(ARGV[4])
-- How long a worker with a head in hand may take to come for it.
local PATIENCE = 200
local granted = {}
local grants, epoch = epoch_of(ARGV[1], tonumber(ARGV[2]))

local function take(lane, u)
  local name, index = room_key(lane, u), P .. 'due:' .. lane
  local room = redis.call('HMGET', name, 'bay', 'gen', 'gate', 'limit', 'stamp', 'deck', 'deckuntil', 'single',
    'commits', 'n', 'open', 'openuntil')
  if not room[1] then
    redis.call('ZREM', index, u)
    return false
  end
  if room[11] ~= '1' then
    -- Nobody has declared it yet. What a worker that died over it left there is drained by the next that leases it.
    if tonumber(room[12] or 0) <= now then
      free_bay(lane, u, room[1], room[2])
    else
      redis.call('ZADD', index, tonumber(room[12]), u)
    end
    return false
  end
  local gate = tonumber(room[3] or 0)
  if gate > now and gate <= now + FARTHEST then
    redis.call('ZADD', index, gate, u)
    return false
  end
  local deck = ''
  if room[6] and tonumber(room[7]) > now then
    if string.sub(room[6], 1, #prefix) == prefix then
      deck = room[6]
      redis.call('HDEL', name, 'passed')
    else
      -- Its worker comes for it, and whoever is due behind it comes to the front. A worker that does not come is gone, or
      -- has no slot: then the next one from the bay has its turn.
      redis.call('HSETNX', name, 'passed', now)
      local waited = now - tonumber(redis.call('HGET', name, 'passed'))
      if tonumber(room[10] or 0) <= 0 or waited < PATIENCE then
        redis.call('ZADD', index, now, u)
        return false
      end
    end
  end
  -- Limits that the room was told under another policy are void: one head finds out.
  local is_single = room[8] == '1' or room[5] ~= ARGV[6]
  local limit = tonumber(room[4] or 1)
  local active = active_leases(u)
  if active >= limit and room[5] == ARGV[6] then
    redis.call('ZADD', index, math.max(now + 1, first_expiry(u)), u)
    return false
  end
  local claim = prefix .. 'c' .. int(number) .. '#' .. room[1]
  number = number + 1
  hold_lease(u, claim, tonumber(ARGV[5]))
  local left = tonumber(room[10] or 0) - (deck == '' and 1 or 0)
  redis.call('HSET', name, 'n', math.max(0, left))
  local again = now
  if is_single or deck ~= '' then
    again = now + tonumber(ARGV[5])
  elseif left <= 0 then
    again = now + SECOND_LOOK
  elseif active + 1 >= limit then
    again = first_expiry(u)
  end
  redis.call('ZADD', index, again, u)
  for _, text in ipairs({lane, u, claim, room[1], room[2] .. ' ' .. (room[9] or '0'), deck}) do
    granted[#granted + 1] = text
  end
  return true
end

if grants <= now then
  for rank, lane in ipairs(LANES) do
    local wish = tonumber(ARGV[6 + rank])
    local passes = 0
    -- Again, because a user with several free slots comes round several times; bounded, because each look costs.
    while wish > 0 and passes < 16 do
      local users = redis.call('ZRANGEBYSCORE', P .. 'due:' .. lane, '-inf', now, 'LIMIT', 0, wish + 8)
      local took = false
      for _, u in ipairs(users) do
        if wish > 0 and take(lane, u) then
          wish, took = wish - 1, true
        end
      end
      passes = took and passes + 1 or 16
    end
  end
end

local is_surveyed = redis.call('GET', P .. 'surveyed') == epoch
local is_ready = redis.call('GET', P .. 'money_ready') == epoch
local reply = {-1, epoch, (is_surveyed and 's' or '') .. (is_ready and 'm' or '') .. (grants > now and 'h' or '')}
for rank, lane in ipairs(LANES) do
  reply[3 + rank] = grants <= now and redis.call('ZCOUNT', P .. 'due:' .. lane, '-inf', now) or 0
  local next = redis.call('ZRANGEBYSCORE', P .. 'due:' .. lane, '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if next[2] and tonumber(next[2]) > now + FARTHEST then
    redis.call('ZADD', P .. 'due:' .. lane, now, next[1])
    reply[1] = 1
  elseif next[2] and (reply[1] < 0 or tonumber(next[2]) - now < reply[1]) then
    reply[1] = math.max(1, tonumber(next[2]) - now)
  end
end
if grants > now then
  reply[1] = grants - now
end
for _, text in ipairs(granted) do
  reply[#reply + 1] = text
end
return reply
