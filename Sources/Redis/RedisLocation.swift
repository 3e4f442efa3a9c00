/// Where connections go: to one server, or to whichever server the sentinels call the primary at that moment.
enum RedisLocation: Sendable, Equatable {
  case server(RedisAddress)
  case sentinels(RedisSentinels)
}
