-- wake: the limits of a user changed; its waiting jobs are to be judged anew.
-- KEYS  1  prefix
-- ARGV  1  user (base64url)
-- RETURNS  1

wake(ARGV[1])
return 1
