-- glance: of each job a word that is another one when explain has something new to say of it. Changes nothing.
-- KEYS  1  prefix
-- ARGV  1  and on: job ids
-- RETURNS  {word...}    '' for a job that is not known; what is in a word is nobody's business
-- An estimate alone, such as when a job starts, is nothing new.

local words = {}
for index, id in ipairs(ARGV) do
  local job = redis.call('HMGET', P .. 'job:' .. id, 'state', 'user', 'lane', 'run', 'attempt', 'status', 'why', 'seq')
  local word = job[1] or (redis.call('EXISTS', P .. 'door:job:' .. id) == 1 and 'accepted' or '')
  for field = 4, 7 do
    word = job[1] and word .. ' ' .. (job[field] or '') or word
  end
  if job[1] == 'waiting' then
    local room = redis.call('HMGET', room_key(job[3], job[2]), 'head', 'why', 'gate')
    local is_shut = tonumber(room[3] or 0) > now
    word = word .. ' ' .. (tonumber(job[8] or nil) or 0) - tonumber(room[1] or 0) .. ' ' .. (is_shut and room[2] or '')
  end
  words[index] = word
end
return words
