/// What a new connection says before the first batch; `advice` tells an operator what to do when it is refused.
struct RedisGreetingStep: Sendable {
  let command: RedisCommand
  var isRequired = true
  /// The server must answer that it is a primary.
  var asksRole = false
  let advice: String

  /// Why the connection cannot be used, when the reply to this step says so.
  func obstacle(in reply: RedisValue) -> RedisError? {
    if let error = reply.serverError { return isRequired ? error.refusing(advice, by: "redis") : nil }
    guard asksRole, reply.array?.first?.string != "master" else { return nil }
    return RedisError(.unreachable, "the server named by a sentinel is no primary (yet, or any more)", .reconnect)
  }
}

extension RedisConfiguration {
  /// INFO comes last; its reply names the server.
  var greeting: [RedisGreetingStep] {
    var steps: [RedisGreetingStep] = []
    if let credentials {
      var command = RedisCommand("AUTH")
      if let user = credentials.user { command = command.arg(user) }
      steps.append(
        RedisGreetingStep(command: command.arg(credentials.password), advice: "check user and password in the URL"))
    }
    if database != 0 {
      let command = RedisCommand("SELECT").arg(Int64(database))
      steps.append(RedisGreetingStep(command: command, advice: "check the database in the URL"))
    }
    steps.append(
      RedisGreetingStep(
        command: RedisCommand("CLIENT").arg("SETNAME").arg(clientName), isRequired: false, advice: ""))
    if case .sentinels = location {
      steps.append(RedisGreetingStep(command: RedisCommand("ROLE"), asksRole: true, advice: "allow the user ROLE"))
    }
    steps.append(
      RedisGreetingStep(
        command: RedisCommand("INFO").arg("server"), advice: "give user and password in the URL, and allow them INFO"))
    return steps
  }
}

extension RedisError {
  /// The answer to a greeting step, with what to do about it. `server` begins a sentence.
  func refusing(_ advice: String, by server: String) -> RedisError {
    let text = disposition == .permanent ? "\(server) refused the connection: \(message); \(advice)" : message
    var error = RedisError(.refused, text, disposition)
    error.serverCode = serverCode
    return error
  }
}
