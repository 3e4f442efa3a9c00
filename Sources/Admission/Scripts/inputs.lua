-- inputs: what the jobs made that another one waited for. Changes nothing.
-- KEYS  1  prefix
-- ARGV  1  user (base64url) of all of them       2  bytes that the outputs may have together
--       3  and on: job ids
-- RETURNS  {'inputs', {id, task type, output or ''}...}    in the order asked; '' where only the ledger remembers a success
--                                                          that made no file
--          {'too_large'}
--          {'gone', id}                                    its success is not known here (any more)

local left, inputs = tonumber(ARGV[2]), {'inputs'}
for index = 3, #ARGV do
  local id = ARGV[index]
  local job = redis.call('HMGET', P .. 'job:' .. id, 'user', 'status', 'task')
  local size = redis.call('STRLEN', P .. 'output:' .. id)
  local task, output
  if job[1] == ARGV[1] and job[2] == 'succeeded' and size > 0 then
    left = left - size
    if left < 0 then
      return {'too_large'}
    end
    task, output = job[3], redis.call('GET', P .. 'output:' .. id)
  else
    local told = redis.call('HMGET', P .. 'parent:' .. id, 'user', 'task', 'output')
    if told[1] ~= ARGV[1] then
      return {'gone', id}
    end
    task, output = told[2], told[3] or ''
    left = left - #output
    if left < 0 then
      return {'too_large'}
    end
  end
  inputs[#inputs + 1] = {id, task or '', output}
end
return inputs
