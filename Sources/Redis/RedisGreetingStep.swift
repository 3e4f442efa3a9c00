/// What a new connection says before the first batch; `advice` tells an operator what to do when it is refused.
struct RedisGreetingStep: Sendable {
  let command: RedisCommand
  var isRequired = true
  let advice: String
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
    steps.append(
      RedisGreetingStep(
        command: RedisCommand("INFO").arg("server"), advice: "give user and password in the URL, and allow them INFO"))
    return steps
  }
}

extension RedisError {
  /// The server's answer to a greeting step, with what to do about it.
  func refusing(_ advice: String) -> RedisError {
    let text = disposition == .permanent ? "redis refused the connection: \(message); \(advice)" : message
    var error = RedisError(.refused, text, disposition)
    error.serverCode = serverCode
    return error
  }
}
