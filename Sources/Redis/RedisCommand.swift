/// One command as an argument vector. Arguments are bytes and are never parsed, so any content is safe in any place.
///
///     let command = RedisCommand("SET").arg(key).arg(payload).arg("PX").arg(30_000)
package struct RedisCommand: Sendable {
  private(set) var arguments: RedisArguments

  /// `capacity`: bytes of all arguments together, eight more each; a hint that saves growing.
  package init(_ name: StaticString, capacity: Int = 128) {
    arguments = RedisArguments(capacity: capacity)
    arguments.append(name)
  }

  package consuming func arg(_ text: String) -> RedisCommand {
    arguments.append(text)
    return self
  }

  package consuming func arg(_ bytes: [UInt8]) -> RedisCommand {
    arguments.append(bytes)
    return self
  }

  package consuming func arg(_ number: Int64) -> RedisCommand {
    arguments.append(number)
    return self
  }
}
