-- assert: an event that is spent but not yet confirmed is written again after a loss of Redis.
-- KEYS  1  prefix
-- ARGV  1  user (base64url) 2  event id           3  month
--       4  '<nano-USD> <tokens> <audio ms> <video ms> <jobs>'
-- RETURNS  1 written, 0 it was there

if open_get(ARGV[1], ARGV[2]) then
  return 0
end
open_set(ARGV[1], ARGV[2], ARGV[3], five(ARGV[4]), '1')
return 1
