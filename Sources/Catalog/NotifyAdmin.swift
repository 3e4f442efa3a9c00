/// Where administrators are told besides the exchange `alerts`, and from when on something is worth telling.
package struct NotifyAdmin: Sendable, Hashable {
  /// Whether each alert is a line of billing's log as well. Default true.
  package var log: Bool
  /// The environment variable of `tollway billing` that holds the address of a webhook, which is a secret; nil for none.
  package var webhookEnvironment: String?
  /// How old the oldest cost event may be that is not booked. Default 30 s.
  package var ledgerLag: Duration
  /// New dead letters within five minutes that need nobody. Default 10.
  package var deadLetters: Int
  /// What 95 of 100 calls of a provider may take; nil for whatever they like.
  package var providerLatency: Duration?

  package init(
    log: Bool = true, webhookEnvironment: String? = nil, ledgerLag: Duration = .seconds(30), deadLetters: Int = 10,
    providerLatency: Duration? = nil
  ) {
    self.log = log
    self.webhookEnvironment = webhookEnvironment
    self.ledgerLag = ledgerLag
    self.deadLetters = deadLetters
    self.providerLatency = providerLatency
  }
}
