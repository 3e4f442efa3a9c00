/// How long a serving process may take for what. The defaults are what workers use.
struct ServingTimes: Sendable {
  /// From its start to its first answer to `GET /v1/models`; one that takes longer is killed.
  var patience = Duration.seconds(30)
  /// A ready process that answered no call for this long is asked whether it lives.
  var checkInterval = Duration.seconds(10)
  /// Two questions in a row without an answer for this long each: it hangs, and is killed.
  var checkLimit = Duration.seconds(5)
  /// From SIGTERM to SIGKILL.
  var grace = Duration.seconds(5)
}
