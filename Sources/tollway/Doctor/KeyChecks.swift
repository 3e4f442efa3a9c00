import Billing
import Contracts
import Gateway
import Operations

/// Are there API keys, do gateways know those that the ledger has, and may a gateway listen where it shall.
struct KeyChecks {
  let settings: Settings
  let wires: Wires

  func run(_ checkup: inout Checkup) async {
    do {
      let address = try settings.gateway(nil)
      let ledger = try Ledger.openExisting(settings)
      let difference = try await KeyCopy(in: ledger, desk: wires.desk).difference()
      try ledger.close()
      Self.judge(difference, address, &checkup)
    } catch let error as LedgerError where [.absent, .olderSchema].contains(error.code) {
      checkup.note("API keys", "not known without a ledger that is up to date")
    } catch {
      checkup.fail("API keys", error)
    }
  }

  static func judge(_ difference: KeyCopy.Difference, _ address: GatewayAddress, _ checkup: inout Checkup) {
    let differing = difference.unlike.count + difference.foreign.count
    if differing > 0 {
      checkup.warn(
        "API keys", "Redis has \(differing) of them otherwise than the ledger",
        "tollway billing puts that right within half a minute; see that it runs, and that TOLLWAY_LEDGER_URL is its ledger"
      )
    }
    switch (difference.rows, difference.valid) {
    case (0, _) where address.isLoopback:
      checkup.note("API keys", "none: a gateway serves this machine only, at \(address)")
    case (0, _):
      checkup.fail(
        "API keys", "none, and a gateway at \(address) can be reached from elsewhere: it will not start",
        "tollway keys create makes one, or set TOLLWAY_GATEWAY to a port of 127.0.0.1")
    case (_, 0):
      checkup.warn("API keys", "all are revoked: a gateway at \(address) lets nobody in", "tollway keys create")
    case (let rows, let valid):
      let revoked = rows > valid ? ", \(rows - valid) revoked" : ""
      checkup.fine("API keys", "\(valid)\(revoked), for gateways at \(address)")
    }
  }
}
