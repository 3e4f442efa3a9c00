/// The replies of a batch, one for each of its commands, in order.
struct RedisReplies: Sendable {
  let identity: RedisServerIdentity
  let values: [RedisValue]
}
