/// What travels in one round trip.
enum RedisBatch: Sendable {
  case commands([RedisCommand])
  /// Takes a second round trip for the calls answered NOSCRIPT.
  case calls([RedisScriptCall])
}
