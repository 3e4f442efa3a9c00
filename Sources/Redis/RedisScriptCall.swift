/// One call of a script: EVALSHA with its keys and arguments, and EVAL with the same ones should the server not have
/// the script. A call is executed at most once per `RedisClient.run`: only calls answered NOSCRIPT, which did nothing,
/// are sent a second time. When the connection is lost before the reply came, `RedisError.isOutcomeUnknown` is true and
/// nothing is repeated here; the caller may repeat, which is why scripts must be idempotent per job.
///
///     let call = RedisScriptCall(admit, keys: [user, epoch]).arg(job).arg(30_000).argRunID()
package struct RedisScriptCall: Sendable {
  let script: RedisScript
  private(set) var arguments: RedisArguments

  /// `capacity`: bytes of all keys and arguments together, eight more each; a hint that saves growing.
  package init(_ script: RedisScript, keys: [String], capacity: Int = 384) {
    self.script = script
    arguments = RedisArguments(capacity: capacity + 96)
    arguments.append("EVALSHA" as StaticString)
    arguments.append(script.sha1)
    arguments.append(Int64(keys.count))
    for key in keys { arguments.append(key) }
  }

  package consuming func arg(_ text: String) -> RedisScriptCall {
    arguments.append(text)
    return self
  }

  package consuming func arg(_ bytes: [UInt8]) -> RedisScriptCall {
    arguments.append(bytes)
    return self
  }

  package consuming func arg(_ number: Int64) -> RedisScriptCall {
    arguments.append(number)
    return self
  }

  /// An argument that is the run_id of the very connection the call is sent on, filled in when it is sent. Empty never.
  package consuming func argRunID() -> RedisScriptCall {
    arguments.appendRunID()
    return self
  }
}
