import Synchronization

/// The metrics of this process, safe from any thread. Cheap when fed in batches: take the lock once with `update` and
/// add everything that a batch of jobs produced.
package final class MetricRegistry: Sendable {
  private let store: Mutex<MetricStore>

  /// - Parameters:
  ///   - tiers: tier codes of the policy; others are counted as `other`.
  ///   - providers: names of the policy's providers.
  ///   - maximumSeries: beyond it new series are refused and counted; the catalogue with a usual policy has about 900.
  package init(tiers: some Sequence<String>, providers: some Sequence<String>, maximumSeries: Int = 5000) {
    store = Mutex(MetricStore(tiers: tiers, providers: providers, maximumSeries: maximumSeries))
  }

  /// Must be short: every other thread that counts waits.
  package func update(_ changes: (inout MetricStore) -> Void) {
    store.withLock { changes(&$0) }
  }

  /// For a policy that was reloaded.
  package func declare(tiers: some Sequence<String>, providers: some Sequence<String>) {
    let (tiers, providers) = (Array(tiers), Array(providers))
    store.withLock { $0.declare(tiers: tiers, providers: providers) }
  }

  /// The page of `/metrics`.
  package func text() -> String { PrometheusText.render(store.withLock { $0 }.families()) }
}
