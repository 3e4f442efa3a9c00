/// The sentinels of one deployment, each of which can say where the primary is.
struct RedisSentinels: Sendable, Equatable {
  /// In the order of the URL; at least one.
  let addresses: [RedisAddress]
  /// What the sentinels call the primary in their configuration.
  let primaryName: String
  /// For AUTH with the sentinels themselves; nil sends none. They share it, and it is not that of the Redis servers.
  let password: String?

  /// What one of them says, over a connection of its own that is closed again. `deadline` holds for connecting and again
  /// for the answer; the calling thread is blocked meanwhile.
  func primary(accordingTo sentinel: RedisAddress, deadline: Duration) throws(RedisError) -> RedisAddress {
    do throws(RedisError) {
      let context = try RedisContext(sentinel, connectTimeout: deadline, ioTimeout: deadline)
      let question = RedisCommand("SENTINEL").arg("get-master-addr-by-name").arg(primaryName)
      let commands = (password.map { [RedisCommand("AUTH").arg($0)] } ?? []) + [question]
      for command in commands { try context.append(command.arguments, runID: "") }
      return try primary(in: try context.exchange(replies: commands.count, until: .now + deadline))
    } catch {
      throw error.disposition == .permanent
        ? error : RedisError(.unreachable, "no sentinel names the primary: \(error.message)", .reconnect)
    }
  }

  /// Reads the answer, the reply to AUTH before it if there was one.
  func primary(in replies: [RedisValue]) throws(RedisError) -> RedisAddress {
    if let error = replies.lazy.compactMap(\.serverError).first {
      throw error.refusing(
        "check that the URL names sentinels (default port 26379), and their password: ...?sentinel_password=",
        by: "a sentinel")
    }
    guard let answer = replies.last, !answer.isNull else {
      throw RedisError(
        .configuration, "the sentinels know no primary of that name; check NAME in redis+sentinel://host:port/NAME",
        .permanent)
    }
    let words = answer.array?.compactMap(\.string) ?? []
    guard words.count == 2, !words[0].isEmpty, !words[0].utf8.contains(0), let port = UInt16(words[1]), port > 0 else {
      throw RedisError(.protocolViolation, "a sentinel's answer is no address", .reconnect)
    }
    return RedisAddress(host: words[0], port: port)
  }
}
