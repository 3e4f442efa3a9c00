import Confinement
import Logging

/// Keeps one wire of an actor alive: connects, reconnects with backoff, says once that the broker is gone and once that
/// it is back, closes politely. Not Sendable: it lives inside the actor and is called on its thread; `run` is called
/// from the actor and therefore runs there too.
final class AMQPKeeper {
  private static let closeGrace = Duration.seconds(2)

  let configuration: AMQPConfiguration
  let logger: Logger
  private(set) var wire: AMQPWire?
  private var stop: StopSign?
  private var outage = Outage()
  private var backoff = Backoff()
  /// When `run` wants to be woken although nothing happened.
  private var alarm: ContinuousClock.Instant?
  private var waiter: CheckedContinuation<Void, Never>?
  private var lastError = AMQPError(.unreachable, "not connected yet", .reconnect)
  private var closing: ContinuousClock.Instant?

  init(configuration: AMQPConfiguration, logger: Logger) {
    self.configuration = configuration
    self.logger = logger
  }

  var isStopping: Bool { stop?.isRaised ?? false }

  /// Why there is no wire.
  var reason: AMQPError { isStopping ? .closed : lastError }

  /// Returns once the stop sign is raised and the wire is closed. `opened` runs on each new wire.
  func run(stop: StopSign, opened: (AMQPWire) -> Void) async {
    self.stop = stop
    while !stop.isRaised {
      do throws(AMQPError) {
        let wire = try AMQPWire(opening: configuration)
        self.wire = wire
        outage.ended("connection to the broker", logger)
        logger.info("connected to the broker", metadata: description(of: wire))
        backoff.reset()
        opened(wire)
      } catch {
        lastError = error
        outage.began("connection to the broker", error, logger)
        alarm = .now + backoff.next()
      }
      await change()
      alarm = nil
    }
  }

  /// What an actor has to say after it wrote.
  struct Plan {
    /// When it wants a turn although nothing happens.
    var due: ContinuousClock.Instant?
    /// Asked to stop, the keeper closes the wire once this is true.
    var mayClose = true
  }

  /// One turn of the thread. `take` gets each frame that is not about the connection itself, `write` then appends what
  /// is to be sent; `lost` is told when the wire is about to go, and may send a last word over it.
  func turn(
    _ readiness: ThreadExecutor.Readiness,
    take: (_ channel: UInt16, _ frame: AMQPFrame) throws(AMQPError) -> Void,
    write: (AMQPWire) throws(AMQPError) -> Plan,
    lost: (AMQPWire, AMQPError) -> Void
  ) -> ThreadExecutor.Wait {
    guard let wire else {
      if isStopping || alarm.map({ $0 <= .now }) ?? false { wakeRun() }
      return ThreadExecutor.Wait(until: alarm)
    }
    do throws(AMQPError) {
      try wire.receive(readable: readiness.readable) { (channel, frame) throws(AMQPError) in
        switch frame {
        case .connectionClosed(let error):
          wire.out.connectionCloseOk()
          lastError = error
          _ = try wire.flush()
          throw error
        case .connectionCloseOk: throw .closed
        default: try take(channel, frame)
        }
      }
      let plan = try write(wire)
      if isStopping, plan.mayClose, closing == nil {
        wire.out.connectionClose()
        closing = .now + Self.closeGrace
      }
      if let closing, closing <= .now { throw .closed }
      var wait = try wire.flush()
      if let due = plan.due { wait.until = min(wait.until ?? due, due) }
      if let closing { wait.until = min(wait.until ?? closing, closing) }
      return wait
    } catch {
      drop(wire, error, lost)
      return ThreadExecutor.Wait(until: .now)
    }
  }

  private func drop(_ wire: AMQPWire, _ error: AMQPError, _ lost: (AMQPWire, AMQPError) -> Void) {
    self.wire = nil
    closing = nil
    lastError = error
    if !isStopping {
      outage.began("connection to the broker", error, logger)
      alarm = .now + backoff.next()
    }
    lost(wire, reason)
  }

  /// Suspends `run` until there is no wire and either the pause is over or it is to end.
  private func change() async {
    await withCheckedContinuation { waiter = $0 }
  }

  private func wakeRun() {
    waiter?.resume()
    waiter = nil
  }

  private func description(of wire: AMQPWire) -> Logger.Metadata {
    [
      "broker": "\(configuration)", "product": "\(wire.serverProperties["product"]?.string ?? "unknown")",
      "version": "\(wire.serverProperties["version"]?.string ?? "unknown")",
    ]
  }
}
