package import Contracts
package import Operations

extension Console {
  static let eventsPath = link("events")

  /// What an operator sees first: whether work flows, the four lanes, and what asks for attention.
  /// - Parameters:
  ///   - changes: the newest first; five are shown. Nil while the ledger cannot be read.
  package static func plaza(
    _ sample: FleetSample, _ verdict: Verdict, history: FleetTrend, changes: [ChangeRow]?, _ chrome: Chrome
  ) -> String {
    let cells = CellSheet(Console.cells(of: sample, verdict))
    var body = verdictFields(cells)
    body.merge(waiterFields(sample.users, limit: 8, at: sample.time)) { $1 }
    body.merge(changeFields(changes.map { Array($0.prefix(5)) })) { $1 }
    let own = fields([
      "reloads": true,
      "isNew": !verdict.commands.isEmpty,
      "commands": verdict.commands.joined(separator: "\n"),
      "scale": cells["scale"],
      "lanes": sample.lanes.map { laneFields($0, sample, history, cells) },
      "workers": cells["workers"], "slots": cells["slots"], "finished": cells["finished"], "age": cells["age"],
      "dead": cells["dead"], "blocked": cells["blocked"],
      "providers": sample.providers.filter { $0.row.model == nil }.map { provider in
        let id = "provider-\(encoded(provider.row.provider))"
        return fields(["standing": cells[id], "calls": cells["\(id)-calls"]])
      },
      "money": [
        ("today", "money-today"), ("this month", "money-month"), ("near a limit", "money-near"),
        ("ledger", "money-ledger"),
      ].map { fields(["name": $0.0, "cell": cells[$0.1]]) },
      "attention": Attention.all(of: sample).prefix(7).map(\.asFields),
    ])
    return Pages.page(
      "plaza", "Plaza", at: "", chrome, live: "cells \(eventsPath)", body.merging(own) { $1 })
  }

  /// One lane: what it waits for, in two halves, and who waits most in it.
  package static func lane(
    _ lane: Lane, _ sample: FleetSample, _ verdict: Verdict, history: FleetTrend, _ chrome: Chrome
  ) -> String {
    let cells = CellSheet(Console.cells(of: sample, verdict))
    let figures = sample[lane]
    var body = laneFields(figures, sample, history, cells)
    body.merge(waiterFields(sample.users.filter { $0.lane == lane }, limit: 20, at: sample.time)) { $1 }
    let own = fields([
      "sentence": sentence(of: figures), "scale": cells["scale"], "slots": cells["slots"], "age": cells["age"],
      "ready": cells["\(lane.rawValue)-ready"], "consumers": cells["\(lane.rawValue)-consumers"],
    ])
    return Pages.page(
      "lane", "Lane \(lane.rawValue)", at: nil, chrome, live: "cells \(eventsPath)", body.merging(own) { $1 })
  }

  private static func sentence(of lane: LaneSample) -> String {
    if lane.isLate {
      return "Late: the oldest has lacked nothing but a slot for \(Figure.words(lane.oldestRunnable))."
    }
    let (ours, slots) = (lane.waitingOurs, lane.runnable)
    if ours > slots {
      return "\(Figure.count(ours, "job")) \(ours == 1 ? "waits" : "wait") for the fleet or its providers."
    }
    if slots > 0 { return "\(Figure.count(slots, "job")) \(slots == 1 ? "waits" : "wait") for nothing but a slot." }
    if lane.waitingTheirs > 0 { return "What waits here waits as its users' limits ask for." }
    return lane.running > 0 ? "Nothing waits." : "Nothing waits and nothing runs."
  }

  private static func verdictFields(_ cells: CellSheet) -> Fields {
    fields([
      "headline": cells["verdict"],
      "words": ["because", "not", "then", "do"].map { name in
        (cells["verdict-\(name)"] ?? [:]).merging(["name": name]) { $1 }
      },
    ])
  }

  private static func laneFields(
    _ lane: LaneSample, _ sample: FleetSample, _ history: FleetTrend, _ cells: CellSheet
  ) -> Fields {
    let name = lane.lane.rawValue
    return fields([
      "lane": name, "href": link("lanes", name),
      "in": cells["\(name)-in"], "out": cells["\(name)-out"],
      "theirs": ["reasons": WaitCause.counted.filter(\.isTheirs).map { causeFields($0, name, "theirs", cells) }],
      "ours": ["reasons": WaitCause.counted.filter { !$0.isTheirs }.map { causeFields($0, name, "ours", cells) }],
      "road": cells["\(name)-road"], "gaps": gaps(sample.slots), "running": cells["\(name)-running"],
      "runnable": cells["\(name)-runnable"], "oldest": cells["\(name)-oldest"],
      "promise": lane.promise.map { Figure.words($0) }, "patience": Figure.words(LaneSample.patience),
      "trend": Sparkline(history.points[lane.lane] ?? [])?.row,
    ])
  }

  private static func causeFields(_ cause: WaitCause, _ lane: String, _ side: String, _ cells: CellSheet) -> Fields {
    fields([
      "name": cause.label, "side": side, "count": cells["\(lane)-\(cause.rawValue)"],
      "bar": cells["\(lane)-\(cause.rawValue)-bar"],
    ])
  }

  /// Between the slots, where they are few enough to be seen one by one.
  private static func gaps(_ slots: Int) -> String? {
    guard (2...60).contains(slots) else { return nil }
    return (1..<slots).map { "M\(Figure.place(Double($0) / Double(slots) * 600)) 0v10" }.joined()
  }

  private static func waiterFields(_ users: [WaitingUser], limit: Int, at now: Timestamp) -> Fields {
    let rows = users.prefix(limit).map { user in
      fields([
        "user": user.user, "href": link("users", user.user), "tier": user.tier, "lane": user.lane.rawValue,
        "waiting": Figure.count(user.waiting), "running": Figure.count(user.running), "limit": Figure.count(user.limit),
        "starts": starts(user, now), "why": user.reason.map { WaitCause.reason($0).label },
      ])
    }
    return ["waiters": rows, "hasWaiters": !rows.isEmpty]
  }

  private static func starts(_ user: WaitingUser, _ now: Timestamp) -> String {
    let words = [("next", user.firstStart), ("last", user.lastStart)].compactMap { name, time in
      time.map { "\(name) in about \(now.words(until: $0))" }
    }
    return words.isEmpty ? "not known" : words.joined(separator: ", ")
  }
}
