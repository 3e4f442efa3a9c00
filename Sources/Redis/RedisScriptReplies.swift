/// The replies of `RedisClient.run`, in the order of the calls.
package struct RedisScriptReplies: Sendable, Equatable {
  /// The run_id of the server process that executed the calls.
  package let runID: String
  package let values: [RedisValue]
}
