import Contracts
package import Operations

// What changes on a live page while it is open. The templates print the same cells that the stream sends.

extension Console {
  /// Every figure of the plaza; pages of lanes show some of them.
  package static func cells(of sample: FleetSample, _ verdict: Verdict) -> [ConsoleCell] {
    let scale = Scale(of: sample)
    return [
      ConsoleCell(id: "clock", text: "\(Clock.second(sample.time)) UTC"),
      ConsoleCell(id: "verdict", text: verdict.headline, state: severity(verdict)),
      words("because", verdict.because.joined(separator: " ")),
      words("not", verdict.excluded.joined(separator: " · ")),
      words("then", verdict.next ?? ""),
      words("do", verdict.act ?? ""),
      ConsoleCell(id: "scale", text: Figure.count(scale.full)),
    ] + sample.lanes.flatMap { cells(of: $0, slots: sample.slots, scale) } + fleetCells(sample)
      + sample.providers.filter { $0.row.model == nil }.flatMap { cells(of: $0, in: sample) }
      + moneyCells(sample)
  }

  static func severity(_ verdict: Verdict) -> String {
    switch verdict.state {
    case .flowing: verdict.whose == .ours ? "warn" : "calm"
    case .idle: verdict.commands.isEmpty ? "calm" : "ink"
    case .slow: "warn"
    case .stopped: "bad"
    case .unknown: "ink"
    }
  }

  private static func words(_ name: String, _ text: String) -> ConsoleCell {
    ConsoleCell(id: "verdict-\(name)", text: text, state: text.isEmpty ? "none" : "")
  }

  private static func cells(of lane: LaneSample, slots: Int, _ scale: Scale) -> [ConsoleCell] {
    let name = lane.lane.rawValue
    let oldest =
      lane.runnable > 0
      ? Figure.words(lane.oldestRunnable) : lane.backlog == 0 ? "nothing waits" : "none lacks a slot"
    let width = slots > 0 ? min(600, Double(lane.running) / Double(slots) * 600) : 0
    return [
      ConsoleCell(id: "\(name)-in", text: Figure.rate(lane.takenPerMinute)),
      ConsoleCell(id: "\(name)-out", text: Figure.rate(lane.finishedPerMinute)),
      ConsoleCell(id: "\(name)-running", text: Figure.count(lane.running)),
      ConsoleCell(id: "\(name)-road", text: Figure.place(width)),
      ConsoleCell(
        id: "\(name)-runnable", text: lane.runnable > 0 ? "+\(Figure.count(lane.runnable)) runnable" : "",
        state: lane.isLate ? "bad" : ""),
      ConsoleCell(
        id: "\(name)-oldest", text: oldest,
        state: lane.isLate ? "bad" : lane.backlog == 0 || lane.runnable > 0 && lane.promise != nil ? "calm" : ""),
      ConsoleCell(id: "\(name)-ready", text: Figure.count(lane.ready)),
      ConsoleCell(
        id: "\(name)-consumers", text: lane.consumers.map { Figure.count($0, "consumer") } ?? "consumers not known"),
    ]
      + WaitCause.counted.flatMap { cause in
        let count = lane.waiting(for: cause)
        return [
          ConsoleCell(
            id: "\(name)-\(cause.rawValue)", text: Figure.count(count),
            state: count == 0 ? "none" : cause.isTheirs ? "" : "warn"),
          ConsoleCell(id: "\(name)-\(cause.rawValue)-bar", text: Figure.place(scale.width(of: count))),
        ]
      }
  }

  private static func fleetCells(_ sample: FleetSample) -> [ConsoleCell] {
    [
      ConsoleCell(
        id: "workers", text: Figure.count(sample.workers, "worker"), state: sample.workers == 0 ? "bad" : ""),
      ConsoleCell(id: "slots", text: "\(Figure.count(sample.busy)) of \(Figure.count(sample.slots, "slot")) busy"),
      ConsoleCell(id: "finished", text: "\(Figure.rate(sample.finishedPerMinute)) runs ended in a minute"),
      ConsoleCell(
        id: "age", text: sample.age.map { "figures \(Figure.words($0)) old" } ?? "no figures yet",
        state: sample.isStale ? "bad" : ""),
      ConsoleCell(
        id: "dead", text: sample.dead.map { "\(Figure.count($0)) dead" } ?? "dead: \(Figure.unknown)",
        state: sample.deadGrowth > 0 ? "warn" : ""),
      ConsoleCell(
        id: "blocked", text: sample.blocked.map { "\(Figure.count($0)) blocked" } ?? "blocked: \(Figure.unknown)"),
    ]
  }

  private static func cells(of provider: ProviderSample, in sample: FleetSample) -> [ConsoleCell] {
    let name = provider.row.provider
    let resting = sample.providers.filter { $0.row.provider == name && $0.row.model != nil }.count
    let standing = ProviderStanding(provider.row, calls: provider.callsPerMinute, restingModels: resting)
    let pace = provider.p95.map { " ≤ \(Figure.words($0))" } ?? ""
    return [
      ConsoleCell(id: "provider-\(encoded(name))", text: "\(name) \(standing.words)", state: standing.severity),
      ConsoleCell(
        id: "provider-\(encoded(name))-calls",
        text: provider.callsPerMinute > 0 ? "\(Figure.count(provider.callsPerMinute))/min\(pace)" : ""),
    ]
  }

  private static func moneyCells(_ sample: FleetSample) -> [ConsoleCell] {
    let money = sample.money
    let state = sample.ledger.isAway ? "warn" : ""
    return [
      ConsoleCell(id: "money-today", text: money?.today.map { Figure.usd($0.total.amount) } ?? Figure.unknown),
      ConsoleCell(id: "money-month", text: money.map { Figure.usd($0.monthTotal) } ?? Figure.unknown),
      ConsoleCell(
        id: "money-near", text: money.map { Figure.count($0.usersNearLimit, "user") } ?? Figure.unknown,
        state: (money?.usersNearLimit ?? 0) > 0 ? "warn" : ""),
      ConsoleCell(
        id: "money-ledger",
        text: sample.ledger.isAway
          ? "away\(money.map { ", as of \(Clock.second($0.asOf)) UTC" } ?? "")"
          : money.map { money in
            money.eventsWaiting.map { $0 == 0 ? "everything is booked" : "\(Figure.count($0, "event")) not booked yet" }
              ?? "read"
          } ?? "not read yet", state: state),
    ]
  }
}
